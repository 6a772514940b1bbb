// JavaScript's own values from the flat ones of `petrel:udf/values`, and back. An integer is a
// bigint and a float a number, so that each comes back as what it was.

/** undefined, boolean, bigint, number, string, Uint8Array, Array, object or Map; others stay nodes. */
export function read(value) {
  let at = 0;
  const next = () => {
    const { tag, val } = value[at++];
    switch (tag) {
      case "nil":
        return undefined;
      case "list":
        return Array.from({ length: val }, next);
      case "map":
        return map(Array.from({ length: val }, () => [next(), next()]));
      case "geojson":
      case "other":
        return { tag, val };
      default:
        return val;
    }
  };
  return next();
}

function map(entries) {
  const named = entries.every(([key]) => typeof key === "string");
  return named ? Object.fromEntries(entries) : new Map(entries);
}

/** The flat form of what `read` returns. */
export function write(value) {
  const nodes = [];
  const put = (v) => {
    if (v === undefined || v === null) nodes.push({ tag: "nil" });
    else if (typeof v === "boolean") nodes.push({ tag: "boolean", val: v });
    else if (typeof v === "bigint") nodes.push({ tag: "integer", val: v });
    else if (typeof v === "number") nodes.push({ tag: "float", val: v });
    else if (typeof v === "string") nodes.push({ tag: "string", val: v });
    else if (v instanceof Uint8Array) nodes.push({ tag: "blob", val: v });
    else if (v.tag === "geojson" || v.tag === "other") nodes.push(v);
    else if (Array.isArray(v)) {
      nodes.push({ tag: "list", val: v.length });
      v.forEach(put);
    } else {
      const entries = v instanceof Map ? [...v] : Object.entries(v);
      nodes.push({ tag: "map", val: entries.length });
      for (const entry of entries) entry.forEach(put);
    }
  };
  put(value);
  return nodes;
}
