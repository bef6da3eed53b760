//! What would have to change: for a candidate to be selected ([`what_would_win`]), for the selected one to be
//! selected no more ([`slack`]), for a larger request to pass ([`affordable`]), and what another policy would
//! change ([`compare`]). SEMANTICS 15.
//!
//! Each answer is found by the questions that decide: a changed candidate or request is judged by the same gates
//! and the same arithmetic, and selected by the same rule. One lever is moved at a time, all else as it stands.

mod affordable;
mod case;
mod column;
mod compare;
mod demand;
mod error;
mod lever;
mod moved;
mod price;
mod search;
mod show;
mod slack;
mod win;
mod winning;

pub use self::{
    affordable::{Affordable, affordable},
    compare::{Changes, Comparison, Flow, Malformed, Side, compare},
    error::{CompareError, CounterfactualError},
    lever::{Lever, Setting},
    slack::{Direction, Slack, SlackLine, slack},
    win::{Verdict, WhatWouldWin, WinLine, what_would_win},
};
