/** The data set of the demo: flights from the npm package `vega-datasets`, as keyed rows. */
import { readFileSync } from "node:fs";

/** A record to produce. `row` is its place in the data set; `key` its flight distance, so that rows of a distance share a partition. */
export interface Row {
  readonly row: number;
  readonly key: string;
  readonly json: string;
}

interface Flight {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

export function loadFlights(count: number): Row[] {
  // The package exports its module only; the data lies beside it.
  const file = new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets"));
  const flights: Flight[] = JSON.parse(readFileSync(file, "utf8"));
  if (flights.length < count) throw new Error(`the data set has only ${flights.length} rows`);
  return flights
    .slice(0, count)
    .map((flight, row) => ({ row, key: String(flight.distance), json: JSON.stringify(flight) }));
}

/**
 * The value of a row's record. `attempt` tells the sendings of a row apart: a row whose first sending got no acknowledgement is sent again as
 * another record, so that "every acknowledged record once" can be checked to the letter.
 */
export function recordValue(row: Row, attempt: number): string {
  return `${row.row}/${attempt} ${row.json}`;
}
