//! Nobody is left but L1: what was claimed is checked, users leave, and the books balance to the wei.

mod exodus;
mod leave;
mod verify;
mod world;
