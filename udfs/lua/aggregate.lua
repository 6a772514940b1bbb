-- Aggregations over a query, written as a user would write them for the Lua runtime. Records without
-- the bin are passed over.
local function add(a, b)
  return a + b
end

function count(stream)
  local function one(rec)
    return 1
  end
  return stream : map(one) : reduce(add)
end

function sum(stream, bin)
  local function value(rec)
    return rec[bin] or 0
  end
  return stream : map(value) : reduce(add)
end

-- The sums of a bin in groups: those of its remainder by `groups`.
function group_sum(stream, bin, groups)
  local function fold(sums, rec)
    local value = rec[bin]
    if value then
      local group = value % groups
      sums[group] = (sums[group] or 0) + value
    end
    return sums
  end
  local function merge(a, b)
    return map.merge(a, b, add)
  end
  return stream : aggregate(map(), fold) : reduce(merge)
end

-- The `k` largest values of a bin, the largest first.
function top_k(stream, bin, k)
  local function insert(top, value)
    local n = list.size(top)
    if n == k and value <= top[n] then
      return
    end
    local at = n + 1
    while at > 1 and top[at - 1] < value do
      at = at - 1
    end
    list.insert(top, at, value)
    if n == k then
      list.remove(top, k + 1)
    end
  end
  local function fold(top, rec)
    local value = rec[bin]
    if value then
      insert(top, value)
    end
    return top
  end
  local function merge(a, b)
    for value in list.iterator(b) do
      insert(a, value)
    end
    return a
  end
  return stream : aggregate(list(), fold) : reduce(merge)
end
