//! The door over real sockets: signing in, tokens, invitations, passkeys, and that every answer has the form it promises.

mod administration;
mod authenticator;
mod document;
mod door;
mod keys;
mod passkeys;
mod sessions;
mod support;
mod tokens;
