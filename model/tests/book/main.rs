//! Tests of the rule book: its fields, its refusals, its rules sentence by
//! sentence, its stories, its properties and its documents.
//!
//! `PLIMSOLL_UPDATE=1 cargo test -p plimsoll-model --test book` writes the
//! golden files and the generated parts of the documents anew. Read the
//! difference before accepting it.

mod build;
mod documents;
mod durability;
mod election;
mod fields;
mod flow;
mod golden;
mod linearizable;
mod membership;
mod properties;
mod queue;
mod reads;
mod refusals;
mod replication;
mod told;
mod transcripts;
mod walk;
