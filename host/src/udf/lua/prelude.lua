-- What every module finds beside the classes. Runs once in each state; `...` is `math`.
local math = ...
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
