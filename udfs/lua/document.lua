-- Documents like JSON: nested maps in a bin, patched as RFC 7396 (JSON Merge Patch) says.
-- udfs/rust/document does the same as a WebAssembly component.
--
-- A patch is a map that looks like the document. A value replaces what stands at its place, a map is
-- merged into it, nil removes it; what the patch does not name stays.
--
-- Bins: the one that the caller names.

-- `type` says "userdata" of maps, lists, bytes and GeoJSON; only a map has a size as a map.
local function is_map(value)
  return type(value) == "userdata" and (pcall(map.size, value))
end

local function merge(target, patch)
  if not is_map(patch) then
    return patch
  end
  if not is_map(target) then
    target = map()
  end
  for key, value in map.pairs(patch) do
    if value == nil then
      map.remove(target, key)
    else
      target[key] = merge(target[key], value)
    end
  end
  return target
end

-- Patches the document in a bin, makes it if there is none, and returns it.
function patch(rec, bin, changes)
  if not is_map(changes) then
    error("changes: expected map")
  end
  local document = merge(rec[bin], changes)
  rec[bin] = document
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
  return document
end

-- What stands at a path (a list of keys) in the document; nil when there is nothing.
function get(rec, bin, path)
  local value = rec[bin]
  for key in list.iterator(path) do
    if not is_map(value) then
      return nil
    end
    value = value[key]
  end
  return value
end
