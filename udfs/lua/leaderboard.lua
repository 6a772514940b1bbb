-- A leaderboard: the best score of each player, best first. udfs/rust/leaderboard does the same as a
-- WebAssembly component.
--
-- Bins: `board` (list of `[score, player]`). Of equal scores the earlier one is ahead.

-- Offers a score to a board of `size` places. Returns the player's rank, from 1, or 0 when the player
-- has no place. The record is written only when the board changes.
function submit(rec, player, score, size)
  if type(player) ~= "string" then
    error("player: expected string")
  end
  if math.type(score) ~= "integer" then
    error("score: expected integer")
  end
  local board = rec.board or list()
  local count = list.size(board)
  local rank, former = count + 1, nil
  for i = 1, count do
    local entry = board[i]
    if entry[2] == player then
      if entry[1] >= score then
        return i
      end
      former = i
      break
    end
    if rank > count and entry[1] < score then
      rank = i
    end
  end
  if former then
    list.remove(board, former)
    -- A former entry that is beaten stands at the new one's place or behind it.
    rank = math.min(rank, former)
  end
  if rank > size then
    return 0
  end
  list.insert(board, rank, list { score, player })
  if list.size(board) > size then
    list.trim(board, size + 1)
  end
  rec.board = board
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
  return rank
end

-- The first `n` entries, best first.
function top(rec, n)
  local board = rec.board
  if not board or n < 1 then
    return list()
  end
  return list.take(board, n)
end

-- The player's rank, from 1, or 0 when the player has no place.
function rank(rec, player)
  local i = 0
  for entry in list.iterator(rec.board or list()) do
    i = i + 1
    if entry[2] == player then
      return i
    end
  end
  return 0
end
