//! The rule book: Raft as an executable model, explored exhaustively.
