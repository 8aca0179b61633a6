//! The transparency-log formats of C2SP and RFC 6962, one module per specification.
