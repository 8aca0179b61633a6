//! The door over real sockets: signing in, tokens, invitations, passkeys, and that every answer has the form it promises.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: what fails here fails the test"
)]

mod administration;
mod authenticator;
mod document;
mod door;
#[path = "../support/exercise.rs"]
mod exercise;
mod invitation_page;
mod keys;
mod passkeys;
mod sessions;
mod support;
mod tokens;
