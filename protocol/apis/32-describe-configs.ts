/**
 * DescribeConfigs (32): describes the configuration of topics, brokers, groups and client metrics (KIP-133). Null keys
 * ask for all.
 *
 * - v1: sources and synonyms (KIP-226).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: type and documentation (KIP-569).
 * - v4: flexible format (KIP-482).
 */
import { api, array, bool, int8, int16, int32, string } from "../schema.ts";

export const DescribeConfigs = api({
  key: 32,
  name: "DescribeConfigs",
  versions: "1-4",
  flexible: "4+",
  listeners: ["broker", "controller"],
  request: {
    resources: array("0+", {
      resourceType: int8("0+"),
      resourceName: string("0+"),
      configurationKeys: array("0+", string, { nullable: "0+" }),
    }),
    includeSynonyms: bool("1+", { default: false }),
    includeDocumentation: bool("3+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("0+"),
    results: array("0+", {
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+" }),
      resourceType: int8("0+"),
      resourceName: string("0+"),
      configs: array("0+", {
        name: string("0+"),
        value: string("0+", { nullable: "0+" }),
        readOnly: bool("0+"),
        configSource: int8("1+", { default: -1, ignorable: true }),
        isSensitive: bool("0+"),
        synonyms: array(
          "1+",
          {
            name: string("1+"),
            value: string("1+", { nullable: "0+" }),
            source: int8("1+"),
          },
          { ignorable: true },
        ),
        configType: int8("3+", { default: 0, ignorable: true }),
        documentation: string("3+", { nullable: "0+", ignorable: true }),
      }),
    }),
  },
});
