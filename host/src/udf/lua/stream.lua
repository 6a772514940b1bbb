-- Streams: what a module strings together, and how records go through it, one by one.
-- Runs once in each state that aggregates; `...` is what the host gives:
--   advance()   moves the record on to the next one; false at the end of the batch
--   partials()  the next partial value of another instance; nil at the end
--   emit(v)     passes a value on to the caller
local advance, partials, emit = ...

local Stream = {}
Stream.__index = Stream

local function operation(kind)
  return function(self, ...)
    local op = table.pack(...)
    op.kind = kind
    table.insert(self.ops, op)
    return self
  end
end

Stream.filter = operation("filter")
Stream.map = operation("map")
Stream.aggregate = operation("aggregate")
Stream.reduce = operation("reduce")

function Stream:groupby(f)
  local function collect(groups, v)
    local k = f and f(v)
    local group = groups[k] or list()
    list.append(group, v)
    groups[k] = group
    return groups
  end
  local function concat(a, b)
    local all = list.clone(a)
    for v in list.iterator(b) do
      list.append(all, v)
    end
    return all
  end
  return self:aggregate(map(), collect):reduce(function(a, b)
    return map.merge(a, b, concat)
  end)
end

-- Every state starts from a copy of its own, as deep as the incumbent's.
local function clone(v)
  local t = type(v)
  if t == "table" then
    local copy = {}
    for k, e in pairs(v) do
      copy[k] = e
    end
    return copy
  elseif t ~= "userdata" then
    return v
  elseif getmetatable(v) == map then
    return map.clone(v)
  elseif getmetatable(v) == list then
    return list.clone(v)
  end
end

-- What each operation does: a function to push a value, and one to pass on what is kept.
local kinds = {}

function kinds.filter(push, flush, p)
  return function(v)
    if p(v) then
      push(v)
    end
  end, flush
end

function kinds.map(push, flush, f)
  return function(v)
    v = f(v)
    if v ~= nil then
      push(v)
    end
  end, flush
end

function kinds.aggregate(push, flush, init, f)
  local state = clone(init)
  return function(v)
    state = f(state, v)
  end, function()
    local v = state
    state = clone(init)
    if v ~= nil then
      push(v)
    end
    flush()
  end
end

function kinds.reduce(push, flush, f)
  local some, state = false, nil
  return function(v)
    if some then
      state = f(state, v)
    else
      some, state = true, v
    end
  end, function()
    local v = state
    some, state = false, nil
    if v ~= nil then
      push(v)
    end
    flush()
  end
end

local function nothing() end

-- The operations from `first` to `last`, in front of `push` and `flush`.
local function chain(ops, first, last, push, flush)
  for i = last, first, -1 do
    local op = ops[i]
    push, flush = kinds[op.kind](push, flush, table.unpack(op, 1, op.n))
  end
  return push, flush
end

-- Where the first reduce is; behind the last operation when there is none.
local function first_reduce(ops)
  for i, op in ipairs(ops) do
    if op.kind == "reduce" then
      return i
    end
  end
  return #ops + 1
end

-- Calls a stream function, and gives four others: to fold a batch, to take the state, to merge
-- partial values, and to finish. Up to the first reduce, work is done where the records are; the
-- same reduce merges what comes of that, and the rest is for the end.
return function(f, ...)
  local stream = f(setmetatable({ ops = {} }, Stream), ...)
  if getmetatable(stream) ~= Stream then
    error("the function returned no stream; return what its last operation gave", 0)
  end
  local ops, leave = stream.ops, emit
  local first = first_reduce(ops)
  local push_rest, flush_rest = chain(ops, first + 1, #ops, emit, nothing)
  local merge, flush_merged = chain(ops, first, math.min(first, #ops), function(v)
    leave(v)
  end, nothing)
  local push, flush = chain(ops, 1, first - 1, merge, nothing)
  -- A state that has seen no record is none: it yields not even its initial value.
  local begun = false

  local function flush_all()
    if begun then
      begun = false
      flush()
    end
    flush_merged()
  end

  local function fold(record)
    begun = true
    while advance() do
      push(record)
    end
  end

  local function merge_all()
    for v in partials do
      merge(v)
    end
  end

  local function finish()
    leave = push_rest
    flush_all()
    leave = emit
    flush_rest()
  end

  return fold, flush_all, merge_all, finish
end
