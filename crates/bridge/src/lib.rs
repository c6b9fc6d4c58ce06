//! User-side flows: deposit, transfer, withdraw, status.
