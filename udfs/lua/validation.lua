-- Validation with counters: a sign-up form is stored only when each of its fields is valid, and what
-- is refused is counted by field. udfs/rust/validation does the same as a WebAssembly component.
--
-- A refusal that has to be counted is a result, not an error: an error would undo the counting.
--
-- Bins: `form` (map, the last valid one), `accepted` and `rejected` (integers), `faults` (map, field
-- to count).

local function valid_age(age)
  return math.type(age) == "integer" and age >= 13 and age <= 120
end

local function valid_country(country)
  return type(country) == "string" and country:find("^%u%u$") ~= nil
end

local function valid_email(email)
  return type(email) == "string" and #email <= 254 and email:find("^[^@ ]+@[^@ ]+%.[^@ ]+$") ~= nil
end

local checks = {
  { "age", valid_age },
  { "country", valid_country },
  { "email", valid_email },
}

local function store(rec)
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
end

-- Takes a form (a map) and returns the names of its invalid fields: an empty list when it was stored.
function submit(rec, form)
  local invalid = list()
  for _, check in ipairs(checks) do
    local field, is_valid = check[1], check[2]
    if not is_valid(form[field]) then
      list.append(invalid, field)
    end
  end
  if list.size(invalid) == 0 then
    rec.form = form
    rec.accepted = (rec.accepted or 0) + 1
  else
    local faults = rec.faults or map()
    for field in list.iterator(invalid) do
      faults[field] = (faults[field] or 0) + 1
    end
    rec.faults = faults
    rec.rejected = (rec.rejected or 0) + 1
  end
  store(rec)
  return invalid
end

-- Sets a bin to an integer from `low` to `high`; any other value is an error, and nothing is stored.
function set_in_range(rec, bin, value, low, high)
  if math.type(value) ~= "integer" or value < low or value > high then
    error(bin .. ": expected integer from " .. low .. " to " .. high)
  end
  rec[bin] = value
  store(rec)
end

-- The share of forms that were refused, from 0.0 to 1.0; nil before the first form.
function refused(rec)
  local accepted, rejected = rec.accepted or 0, rec.rejected or 0
  if accepted + rejected > 0 then
    return rejected / (accepted + rejected)
  end
end
