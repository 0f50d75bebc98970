//! Dead reckoning in integers: how far speed and course carry.

/// Bits after the point of a sine.
const SINE_BITS: u32 = 15;

/// `sin(i / 10 degrees)` in 1/32768, rounded, for a quarter turn.
const SINE: [i32; 901] = {
    // Turning a unit vector by 0.1 degree, 62 bits after the point, strays by less than 2^-50.
    const COS_STEP: i128 = 4_611_678_994_429_691_932;
    const SIN_STEP: i128 = 8_048_906_422_577_951;
    let (mut sin, mut cos) = (0_i128, 1_i128 << 62);
    let mut table = [0; 901];
    let mut i = 0;
    while i < table.len() {
        table[i] = ((sin + (1 << (61 - SINE_BITS))) >> (62 - SINE_BITS)) as i32;
        (sin, cos) =
            ((sin * COS_STEP + cos * SIN_STEP) >> 62, (cos * COS_STEP - sin * SIN_STEP) >> 62);
        i += 1;
    }
    table
};

/// Sine of `ddeg` tenths of a degree, below 3600 + 900.
fn sine(ddeg: u32) -> i32 {
    let ddeg = if ddeg >= 3600 { ddeg - 3600 } else { ddeg };
    let half = if ddeg >= 1800 { ddeg - 1800 } else { ddeg };
    let magnitude = SINE[if half > 900 { 1800 - half } else { half } as usize];
    if ddeg >= 1800 { -magnitude } else { magnitude }
}

/// 1e-6 degrees of latitude in a centimetre, in 1/2^20: on the sphere of
/// [`EARTH_RADIUS_M`](crate::EARTH_RADIUS_M).
const E6_PER_CM: i64 = 94_301;
/// Bits after the point of a velocity.
const VELOCITY_BITS: u32 = 8;

/// North and east velocity, in 1e-6 degrees per second and 1/256 of them.
pub(super) type Velocity = [i64; 2];

/// The plane in which a trace is reckoned: that of its first fix's latitude.
pub(super) struct Plane {
    /// 1e-6 degrees in a centimetre north and east, in 1/2^20.
    e6_per_cm: [i64; 2],
}

impl Plane {
    pub(super) fn at(lat_e6: i32) -> Self {
        // Beyond 89 degrees a centimetre counts as it does there.
        let lat_e6 = lat_e6.unsigned_abs().min(89_000_000);
        let (ddeg, rest) = (lat_e6 / 100_000, i64::from(lat_e6 % 100_000));
        let (here, next) = (i64::from(sine(ddeg + 900)), i64::from(sine(ddeg + 901)));
        let cosine = here + (next - here) * rest / 100_000;
        Self { e6_per_cm: [E6_PER_CM, (E6_PER_CM << SINE_BITS) / cosine] }
    }

    /// The velocity of a speed in cm/s and a course in 0.1 degree, below 3600.
    pub(super) fn velocity(&self, speed_cmps: u16, course_ddeg: u16) -> Velocity {
        let course = u32::from(course_ddeg);
        let along = |sine: i32, axis: usize| {
            (i64::from(speed_cmps) * i64::from(sine) * self.e6_per_cm[axis])
                >> (SINE_BITS + 20 - VELOCITY_BITS)
        };
        [along(sine(course + 900), 0), along(sine(course), 1)]
    }
}

/// How far the mean of two velocities carries in `interval_ms`, in 1e-6 degrees, rounded.
pub(super) fn carried(from: i64, to: i64, interval_ms: i64) -> i32 {
    const UNIT: i64 = 2000 << VELOCITY_BITS;
    ((from + to) * interval_ms + UNIT / 2).div_euclid(UNIT) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_the_rounded_ones() {
        for ddeg in 0..4500_u32 {
            let exact = libm::sin(f64::from(ddeg) / 10.0 * core::f64::consts::PI / 180.0) * 32768.0;
            assert_eq!(f64::from(sine(ddeg)), libm::round(exact), "{ddeg}");
        }
    }

    #[test]
    fn a_second_at_a_hundred_metres_per_second_is_a_hundred_metres() {
        let degree_e6 = 0.01 / (crate::EARTH_RADIUS_M * core::f64::consts::PI / 180.0 / 1e6);
        assert_eq!(libm::round(degree_e6 * f64::from(1 << 20)), E6_PER_CM as f64);
        for (lat_e6, course, want) in [
            (0, 0, [899, 0]),
            (0, 900, [0, 899]),
            (60_000_000, 900, [0, 1799]),
            (-60_000_000, 2700, [0, -1799]),
            (89_000_000, 900, [0, 51_529]),
            (90_000_000, 900, [0, 51_529]),
            (-45_000_000, 1800, [-899, 0]),
        ] {
            let velocity = Plane::at(lat_e6).velocity(10_000, course);
            let carried = velocity.map(|v| carried(v, v, 1000));
            let near = |(got, want): (i32, i32)| (got - want).abs() <= 1 + want.abs() / 2000;
            assert!(carried.into_iter().zip(want).all(near), "{lat_e6} {course} {carried:?}");
        }
        assert_eq!(carried(-256, -256, 1500), -1);
    }
}
