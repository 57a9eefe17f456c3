//! The signs that stand for the models: shape and fill tell them apart where colour does not.
//! In flow a model's name, out flow its sign on a [`Canvas`], or as the path of an SVG.

use std::fmt::Write;

use super::canvas::{Canvas, Point};

/// A sign around a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sign {
    shape: Shape,
    hollow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Circle,
    Corners(&'static [Point]),
}

const RADIUS: i32 = 5;
const SQUARE: &[Point] = &[(-4, -4), (4, -4), (4, 4), (-4, 4)];
const UP: &[Point] = &[(0, -6), (5, 4), (-5, 4)];
const DOWN: &[Point] = &[(0, 6), (-5, -4), (5, -4)];
const DIAMOND: &[Point] = &[(0, -6), (6, 0), (0, 6), (-6, 0)];
const CROSS: &[Point] = &[
    (-5, -3),
    (-3, -5),
    (0, -2),
    (3, -5),
    (5, -3),
    (2, 0),
    (5, 3),
    (3, 5),
    (0, 2),
    (-3, 5),
    (-5, 3),
    (-2, 0),
];

impl Sign {
    /// The sign of a model; one that has none of its own is a circle.
    pub fn of(model: &str) -> Sign {
        let (shape, hollow) = match model {
            "epoll-c" => (Shape::Corners(SQUARE), true),
            "epoll" => (Shape::Corners(SQUARE), false),
            "tokio-lean" => (Shape::Corners(UP), false),
            "tokio" => (Shape::Corners(UP), true),
            "tokio-cores" => (Shape::Corners(DOWN), false),
            "threads" => (Shape::Corners(DIAMOND), false),
            "threads-small" => (Shape::Corners(DIAMOND), true),
            "asyncio" => (Shape::Circle, true),
            "python-threads" => (Shape::Corners(CROSS), false),
            _ => (Shape::Circle, false),
        };
        Sign { shape, hollow }
    }

    /// `voll` or `hohl`, and the model.
    pub fn classes(self, model: &str) -> String {
        let fill = if self.hollow { "hohl" } else { "voll" };
        format!("{fill} m-{model}")
    }

    /// Puts it at a place.
    pub fn draw(self, canvas: &mut Canvas, model: &str, at: Point) {
        let classes = self.classes(model);
        match self.shape {
            Shape::Circle => canvas.circle(&classes, at, RADIUS),
            Shape::Corners(corners) => {
                let places = corners.iter().map(|(x, y)| (at.0 + x, at.1 + y));
                canvas.polygon(&classes, &places.collect::<Vec<Point>>());
            }
        }
    }

    /// The same as the `d` of a path around 0, 0.
    pub fn path(self) -> String {
        match self.shape {
            Shape::Circle => {
                let (r, d) = (RADIUS, 2 * RADIUS);
                format!("M-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z")
            }
            Shape::Corners(corners) => {
                let mut path = String::new();
                for (index, (x, y)) in corners.iter().enumerate() {
                    let step = if index == 0 { 'M' } else { 'L' };
                    let _ = write!(path, "{step}{x} {y}");
                }
                path + "z"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_sign_of_its_own() {
        let models = [
            "epoll-c",
            "epoll",
            "event-loop",
            "tokio-lean",
            "tokio",
            "tokio-cores",
            "threads",
            "threads-small",
            "asyncio",
            "python-threads",
        ];
        for (index, model) in models.iter().enumerate() {
            let others = models[..index].iter().map(|other| Sign::of(other));
            assert!(
                others.into_iter().all(|other| other != Sign::of(model)),
                "{model}"
            );
        }
        assert_eq!(Sign::of("threads").path(), "M0 -6L6 0L0 6L-6 0z");
        assert_eq!(Sign::of("asyncio").classes("asyncio"), "hohl m-asyncio");
    }
}
