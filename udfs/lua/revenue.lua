-- Revenue over a query of orders, in groups. udfs/rust/revenue does the same as a WebAssembly component.
--
-- Bins of an order: `status` (only those that are "paid" count), `amount` (integer, in cents), and any
-- to group by.

local function is_paid(rec)
  return rec.status == "paid" and math.type(rec.amount) == "integer"
end

local function add(a, b)
  return list { a[1] + b[1], a[2] + b[2] }
end

local function merge(a, b)
  return map.merge(a, b, add)
end

-- A map of the values of bin `group` to `[orders, revenue]`. Orders without a string in it are passed
-- over.
function by(stream, group)
  local function is_grouped(rec)
    return type(rec[group]) == "string"
  end
  local function count(groups, rec)
    local order = list { 1, rec.amount }
    local former = groups[rec[group]]
    groups[rec[group]] = former and add(former, order) or order
    return groups
  end
  return stream : filter(is_paid) : filter(is_grouped) : aggregate(map(), count) : reduce(merge)
end

-- The revenue of all orders.
function total(stream)
  local function amount(rec)
    return rec.amount
  end
  local function sum(a, b)
    return a + b
  end
  return stream : filter(is_paid) : map(amount) : reduce(sum)
end
