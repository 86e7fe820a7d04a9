//! One file a layer, from the wire upwards, and the whole at last. They are one
//! program, because each of them alone would take as long to build as all.

mod admit;
mod catalog;
mod dispatch;
mod frame;
mod sink;
mod socket;
mod tokens;

use criterion::criterion_main;

criterion_main!(
    frame::benches,
    catalog::benches,
    admit::benches,
    tokens::benches,
    sink::benches,
    dispatch::benches,
    socket::benches,
);
