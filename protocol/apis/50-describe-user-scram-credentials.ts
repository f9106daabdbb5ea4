/**
 * DescribeUserScramCredentials (50): tells which SCRAM mechanisms users have credentials for, never the credentials
 * (KIP-554).
 */
import { api, array, int8, int16, int32, string } from "../schema.ts";

export const DescribeUserScramCredentials = api({
  key: 50,
  name: "DescribeUserScramCredentials",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  request: {
    users: array(
      "0+",
      {
        name: string("0+"),
      },
      { nullable: "0+" },
    ),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    results: array("0+", {
      user: string("0+"),
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+" }),
      credentialInfos: array("0+", {
        mechanism: int8("0+"),
        iterations: int32("0+"),
      }),
    }),
  },
});
