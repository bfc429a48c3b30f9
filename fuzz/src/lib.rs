//! What the fuzz targets do with their input.

pub mod bench_runs;
pub mod canonical;
pub mod config;
pub mod control;
pub mod cost;
pub mod denial;
pub mod doh;
pub mod entries;
pub mod http3_streams;
pub mod imports;
pub mod leases;
pub mod message;
pub mod names;
pub mod packet_path;
pub mod pieces;
pub mod policy_lists;
pub mod quic_stream;
pub mod redis_values;
pub mod reply_path;
pub mod root_keys;
pub mod signatures;
pub mod snapshot;
pub mod stream;
pub mod zone_files;
