// How a client under test talks to the tests: one JSON object a line, events out, orders in.

import { createInterface } from "node:readline";

export function report(event, details = {}) {
  process.stdout.write(JSON.stringify({ event, ...details }) + "\n");
}

// `orders` maps the name of an order to what it does with the rest of the object.
export function obey(orders) {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const { order, ...details } = JSON.parse(line);
    try {
      report("done", { order, result: (await orders[order](details)) ?? null });
    } catch (error) {
      report("failed", { order, error: String(error) });
    }
  });
  lines.on("close", () => process.exit(0));
}
