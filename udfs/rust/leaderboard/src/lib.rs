//! A leaderboard: the best score of each player, best first. `udfs/lua/leaderboard.lua` is its twin.
//!
//! Bins: `board` (list of `[score, player]`). Of equal scores the earlier one is ahead.

use petrel_udf::{Record, Result};

/// A score and its player, which a list of two holds.
type Entry<'a> = (i64, &'a str);

fn board<'a>(record: &Record<'a>) -> Result<Vec<Entry<'a>>> {
    record.get_or("board", Vec::new())
}

/// Offers a score to a board of `size` places. Returns the player's rank, from 1, or 0 when the
/// player has no place. The record is written only when the board changes.
#[petrel_udf::udf(bins("board"))]
pub fn submit(record: &mut Record, player: &str, score: i64, size: usize) -> Result<usize> {
    let mut board = board(record)?;
    if let Some(former) = board.iter().position(|entry| entry.1 == player) {
        if board[former].0 >= score {
            return Ok(former + 1);
        }
        board.remove(former);
    }
    let place = board.partition_point(|entry| entry.0 >= score);
    if place >= size {
        return Ok(0);
    }
    board.insert(place, (score, player));
    board.truncate(size);
    record.set("board", &board)?;
    record.save()?;
    Ok(place + 1)
}

/// The first `n` entries, best first.
#[petrel_udf::udf(bins("board"))]
pub fn top<'a>(record: &Record<'a>, n: usize) -> Result<Vec<Entry<'a>>> {
    let mut board = board(record)?;
    board.truncate(n);
    Ok(board)
}

/// The player's rank, from 1, or 0 when the player has no place.
#[petrel_udf::udf(bins("board"))]
pub fn rank(record: &Record, player: &str) -> Result<usize> {
    let place = board(record)?.iter().position(|entry| entry.1 == player);
    Ok(place.map_or(0, |place| place + 1))
}
