-- Audience segments: which campaigns a profile of up to 2,000 segments fits. udfs/rust/segments does
-- the same as a WebAssembly component.
--
-- Bins: `segments` (list of integers, sorted, each once).

local LIMIT = 2000

-- A set of the integers of a list, and how many there are.
local function set_of(ids)
  local set, count = {}, 0
  -- Not `list.iterator`: it would end at a nil without a word.
  for i = 1, list.size(ids) do
    local id = ids[i]
    if math.type(id) ~= "integer" then
      error("segment: expected integer")
    end
    if not set[id] then
      set[id] = true
      count = count + 1
    end
  end
  return set, count
end

-- Whether the profile has all of `campaign.all`, one of `campaign.any` and none of `campaign.none`;
-- each is a list of segments and may be left out.
function matches(rec, campaign)
  -- The sets are made of the campaign's few segments; the profile's many are walked once.
  local all, missing = set_of(campaign.all or list())
  local any, choices = set_of(campaign.any or list())
  local none = set_of(campaign.none or list())
  local chosen = choices == 0
  for id in list.iterator(rec.segments or list()) do
    if none[id] then
      return false
    end
    if all[id] then
      missing = missing - 1
    end
    if any[id] then
      chosen = true
    end
  end
  return chosen and missing == 0
end

-- How many of the wanted segments the profile has.
function overlap(rec, wanted)
  local set = set_of(wanted)
  local count = 0
  for id in list.iterator(rec.segments or list()) do
    if set[id] then
      count = count + 1
    end
  end
  return count
end

-- Adds segments to the profile; returns how many it has. More than 2,000 are an error.
function add(rec, ids)
  local set = set_of(ids)
  for id in list.iterator(rec.segments or list()) do
    set[id] = true
  end
  local sorted = {}
  for id in pairs(set) do
    sorted[#sorted + 1] = id
  end
  if #sorted > LIMIT then
    error("a profile has at most " .. LIMIT .. " segments")
  end
  table.sort(sorted)
  local segments = list()
  for _, id in ipairs(sorted) do
    list.append(segments, id)
  end
  rec.segments = segments
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
  return #sorted
end
