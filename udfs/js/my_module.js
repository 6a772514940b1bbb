// The functions of the UDF guide, in JavaScript; udfs/lua/my_module.lua and udfs/rust/my_module are
// their twins.

import * as record from "petrel:udf/this-record@0.2.2";
import { read, write } from "./values.js";

const get = (bin) => read(record.get(bin));
const put = (bin, value) => record.set(bin, write(value));

const functions = [
  {
    name: "transform_record",
    doc: "Tags the record with `a` and `b`, counts the visit and returns how many there were.",
    parameters: [
      { name: "a", type: "any" },
      { name: "b", type: "any" },
    ],
    run(a, b) {
      const visits = (get("visits") ?? 0n) + 1n;
      put("tag1", a);
      put("tag2", b);
      put("visits", visits);
      if (record.exists()) record.update();
      return visits;
    },
  },
  {
    name: "get_computed_value",
    doc: "The record's score, 0 if it has none, multiplied by `factor`.",
    parameters: [{ name: "factor", type: "bigint" }],
    run: (factor) => (get("score") ?? 0n) * factor,
  },
  {
    name: "process_record",
    doc: "Marks the record as processed and returns its name, tier and visits; nothing when it is missing.",
    parameters: [],
    run() {
      if (!record.exists()) return undefined;
      put("processed", true);
      record.update();
      const summary = {};
      for (const name of ["name", "tier"]) {
        const value = get(name);
        if (value !== undefined) summary[name] = value;
      }
      summary.visits = get("visits") ?? 0n;
      return summary;
    },
  },
];

export const recordFunctions = {
  describe: () => functions.map(({ name, doc, parameters }) => ({ name, doc, parameters })),

  call(index, args) {
    try {
      return write(functions[index].run(...args.map(read)));
    } catch (error) {
      // What the host refused has its words in `payload`.
      throw { tag: "failed", val: error.payload ?? String(error) };
    }
  },
};
