//! The curves of a report: which share of the questions was answered within which time.

use maud::{Markup, html};

use crate::baseline::SavedRun;
use crate::sample::{Phase, Sample};
use crate::statistics::quantile;

/// Colours of the targets, repeated for further targets.
const COLOURS: [&str; 6] = ["--a", "--b", "--c", "--d", "--e", "--f"];
/// Points of a curve.
const POINTS: u32 = 250;
/// The width and the height of the drawing. The page stretches the drawing to the width of the screen; the labels of
/// the axes are text beside the drawing, and so keep their size.
const SIZE: (f64, f64) = (900.0, 300.0);
/// Milliseconds at the ends of the axis, which goes in powers of ten.
const ENDS: (f64, f64) = (0.01, 10_000.0);

/// A curve: how long the questions of a phase took.
pub(super) struct Curve {
    /// The label.
    pub(super) label: String,
    /// The number of the target.
    pub(super) target: usize,
    /// First asks or repeats.
    pub(super) phase: Phase,
    /// Whether the curve belongs to the baseline.
    pub(super) then: bool,
    /// Milliseconds, sorted.
    pub(super) millis: Vec<f64>,
}

impl Curve {
    /// The curve of a target and a phase; `None` without samples.
    pub(super) fn of(
        record: &SavedRun,
        label: &str,
        target: usize,
        phase: Phase,
        then: bool,
    ) -> Option<Self> {
        let own = |sample: &&Sample| usize::from(sample.target) == target && sample.phase == phase;
        let own = record.samples.iter().filter(own);
        let mut millis: Vec<f64> = own.map(|sample| sample.millis(record.penalty())).collect();
        millis.sort_unstable_by(f64::total_cmp);
        let asked = if phase == Phase::Cold { "first asks" } else { "repeats" };
        let label = format!("{label}, {asked}{}", if then { ", baseline" } else { "" });
        (!millis.is_empty()).then_some(Curve { label, target, phase, then, millis })
    }

    fn classes(&self, kind: &str) -> String {
        let again = if self.phase == Phase::Warm { " again" } else { "" };
        let then = if self.then { " then" } else { "" };
        format!("{kind}{again}{then}")
    }

    fn colour(&self) -> &'static str {
        COLOURS[self.target % COLOURS.len()]
    }

    /// The path in SVG syntax.
    fn path(&self) -> String {
        let point = |at: u32| {
            let share = f64::from(at) / f64::from(POINTS);
            let letter = if at == 0 { 'M' } else { 'L' };
            format!("{letter}{:.1} {:.1}", x(quantile(&self.millis, share)), y(share))
        };
        (0..=POINTS).map(point).collect::<Vec<_>>().join("")
    }
}

/// The x coordinate of a time.
fn x(millis: f64) -> f64 {
    let place = |millis: f64| millis.clamp(ENDS.0, ENDS.1).log10();
    let share = (place(millis) - place(ENDS.0)) / (place(ENDS.1) - place(ENDS.0));
    share * SIZE.0
}

/// The y coordinate of a share.
fn y(share: f64) -> f64 {
    SIZE.1 - share * SIZE.1
}

/// The curves in one drawing, with axes and a legend.
pub(super) fn draw(curves: &[Curve]) -> Markup {
    let powers = || (ENDS.0.log10() as i32)..=(ENDS.1.log10() as i32);
    let quarters = [0.0, 0.25, 0.5, 0.75, 1.0];
    let percent = |coordinate: f64, size: f64| format!("{:.2}%", coordinate / size * 100.0);
    html! {
        div class="plot" {
            @for share in quarters {
                span class="y" style=(format!("top: {}", percent(y(share), SIZE.1))) {
                    (format!("{:.0} %", share * 100.0))
                }
            }
            svg viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) preserveAspectRatio="none" role="img"
                aria-label="Which share of the questions was answered within which time" {
                @for power in powers() {
                    @let x = x(10_f64.powi(power));
                    line class="grid" x1=(x) x2=(x) y1="0" y2=(SIZE.1) {}
                }
                @for share in quarters {
                    line class="grid" x1="0" x2=(SIZE.0) y1=(y(share)) y2=(y(share)) {}
                }
                @for curve in curves {
                    path class=(curve.classes("curve")) d=(curve.path())
                        style=(format!("stroke: var({})", curve.colour())) {
                        title { (curve.label) }
                    }
                }
            }
            // A narrow screen has room for every second label.
            @for power in powers() {
                @let millis = 10_f64.powi(power);
                span class=(if power % 2 == 0 { "x" } else { "x between" })
                    style=(format!("left: {}", percent(x(millis), SIZE.0))) { (axis(millis)) }
            }
        }
        ul class="legend" {
            @for curve in curves {
                li {
                    i class=(curve.classes("stroke"))
                        style=(format!("border-top-color: var({})", curve.colour())) {}
                    (curve.label)
                }
            }
        }
    }
}

/// A time on the axis.
fn axis(millis: f64) -> String {
    if millis < 1000.0 { format!("{millis} ms") } else { format!("{} s", millis / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_from_left_to_right() {
        let millis = (1..=1000).map(f64::from).collect();
        let (label, phase) = ("x".to_owned(), Phase::Cold);
        let curve = Curve { label, target: 7, phase, then: false, millis };
        let points: Vec<(f64, f64)> = curve
            .path()
            .split(['M', 'L'])
            .skip(1)
            .map(|point| {
                let (x, y) = point.split_once(' ').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            })
            .collect();
        assert_eq!(points.len(), POINTS as usize + 1);
        assert!(points.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 > two[1].1));
        assert_eq!((points[0].1, points[POINTS as usize].1), (SIZE.1, 0.0));
        assert_eq!(curve.colour(), "--b", "colours begin again");
        assert!(x(0.0) == 0.0 && x(1e9) == SIZE.0, "nothing leaves the drawing");
    }
}
