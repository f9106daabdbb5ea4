/**
 * DescribeClientQuotas (48): lists client quotas that match a filter (KIP-546).
 *
 * - v1: flexible format (KIP-482).
 */
import { api, array, bool, float64, int8, int16, int32, string } from "../schema.ts";

export const DescribeClientQuotas = api({
  key: 48,
  name: "DescribeClientQuotas",
  versions: "0-1",
  flexible: "1+",
  listeners: ["broker"],
  request: {
    components: array("0+", {
      entityType: string("0+"),
      matchType: int8("0+"),
      match: string("0+", { nullable: "0+" }),
    }),
    strict: bool("0+"),
  },
  response: {
    throttleTimeMs: int32("0+"),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    entries: array(
      "0+",
      {
        entity: array("0+", {
          entityType: string("0+"),
          entityName: string("0+", { nullable: "0+" }),
        }),
        values: array("0+", {
          key: string("0+"),
          value: float64("0+"),
        }),
      },
      { nullable: "0+" },
    ),
  },
});
