//! The venue as a whole: against a naive one, rule by rule, and through its journal.

mod feed;
mod flow;
mod journal;
mod naive;
mod oracle;
mod rules;
mod table;
mod tables;
