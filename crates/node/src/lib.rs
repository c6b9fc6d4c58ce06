//! Starts the embedded L1 and the L2 with everything deployed.
