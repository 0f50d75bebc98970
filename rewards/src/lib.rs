//! Contributions to integer scores and pay, epochs, ledger entries.
