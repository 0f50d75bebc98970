//! One file a kind of journey.

mod archive;
mod closures;
mod command_line;
mod crowds;
mod description;
mod devices;
mod drive_to_payout;
mod kill_rounds;
mod limits;
mod nodes;
mod own_data;
mod refused_enrolments;
mod refused_paths;
mod refused_uploads;
mod start_up;
mod stopping;
mod stores_agree;
mod time;
mod typical;
