-- What every module finds beside the classes. Runs once in each state, on the libraries themselves.
local math, table = ...
local log, format = aerospike.log, string.format

function trace(message, ...)
  log(aerospike, 4, format(message, ...))
end

function debug(message, ...)
  log(aerospike, 3, format(message, ...))
end

function info(message, ...)
  log(aerospike, 2, format(message, ...))
end

function warn(message, ...)
  log(aerospike, 1, format(message, ...))
end

function math.sum(a, b)
  return a + b
end

function math.product(a, b)
  return a * b
end

-- Of Lua 5.1, for modules that were written for it.
unpack = table.unpack
loadstring = load

function table.getn(t)
  return #t
end

function table.maxn(t)
  local n = 0
  for k in pairs(t) do
    if type(k) == "number" and k > n then
      n = k
    end
  end
  return n
end
