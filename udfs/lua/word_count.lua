-- Word count over a query: how often each word stands in a bin. udfs/rust/word_count does the same as
-- a WebAssembly component.
--
-- A word is what stands between spaces and punctuation; upper and lower case are one.

local function add(a, b)
  return a + b
end

local function merge(a, b)
  return map.merge(a, b, add)
end

-- A map of words to counts. Records whose bin is no string are passed over.
function words(stream, bin)
  local function has_text(rec)
    return type(rec[bin]) == "string"
  end
  local function count(counts, rec)
    for word in rec[bin]:lower():gmatch("[^%s%p]+") do
      counts[word] = (counts[word] or 0) + 1
    end
    return counts
  end
  return stream : filter(has_text) : aggregate(map(), count) : reduce(merge)
end
