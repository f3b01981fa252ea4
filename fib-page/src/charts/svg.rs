//! A chart as SVG, for the page and for a file of its own.

use super::palette::{Look, PAINTS, Paint, style_sheet};
use fib_report::visible;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::{Circle, PathElement, Polygon, Rectangle, SVGBackend, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, ShapeStyle, TextStyle};

/// Where a chart is drawn.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Whether drawing went well. Drawing into a text always does.
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A chart.
#[derive(Clone, Debug)]
pub(crate) struct Svg {
    title: String,
    /// What a reader who does not see the chart should know.
    summary: String,
    size: (u32, u32),
    /// The elements, with tokens in place of colours.
    elements: String,
}

/// The height of the title of a file.
const TITLE: u32 = 30;

/// The pixels of small and of usual text.
pub(super) const SMALL: f64 = 10.0;
pub(super) const USUAL: f64 = 12.0;

impl Svg {
    pub(super) fn draw(
        title: &str,
        summary: &str,
        size: (u32, u32),
        paint: impl FnOnce(&Area<'_>) -> Drawn,
    ) -> Self {
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        // Writing to memory cannot fail.
        let _ = paint(&area).and_then(|()| area.present());
        drop(area);
        let start = text.find('>').map_or(0, |end| end + 1);
        let end = text.rfind("</svg>").unwrap_or(text.len());
        let elements = shortened(&text[start..end]);
        Svg { title: visible(title).into(), summary: visible(summary).into(), size, elements }
    }

    /// The chart as a part of a page whose style sheet has the colours.
    pub(crate) fn inline(&self, id: &str) -> String {
        let (width, height) = self.size;
        let elements = with_classes(&self.elements, |_, _| String::new());
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{elements}</svg>",
            escaped(&self.title),
            escaped(&self.summary)
        )
    }

    /// The chart as a file of its own, with its title above it. Readers without style sheets see the light theme.
    pub(crate) fn file(&self) -> String {
        let (width, height) = (self.size.0, self.size.1 + TITLE);
        let elements = with_classes(&self.elements, |attribute, look| {
            let dashes = look.dashes.filter(|_| attribute == "stroke");
            let dashes =
                dashes.map_or(String::new(), |dashes| format!(" stroke-dasharray=\"{dashes}\""));
            format!(" {attribute}=\"{}\"{dashes}", look.light)
        });
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 -{TITLE} {width} {height}\" role=\"img\" font-family=\"sans-serif\" \
             aria-labelledby=\"t d\">\n<title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n\
             <style>\n{}</style>\n<rect y=\"-{TITLE}\" width=\"{width}\" height=\"{height}\" \
             class=\"f-page\" fill=\"{}\"/>\n<text x=\"8\" y=\"-10\" font-size=\"14\" \
             font-weight=\"bold\" class=\"f-text\" fill=\"{}\">{}</text>\n{elements}</svg>\n",
            escaped(&self.title),
            escaped(&self.summary),
            style_sheet(),
            Paint::Page.look().light,
            Paint::Text.look().light,
            escaped(&self.title)
        )
    }
}

/// The text as the content of an element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Puts classes in place of tokens. An element is either filled or stroked, so it has one class.
fn with_classes(elements: &str, fallback: impl Fn(&'static str, &Look) -> String) -> String {
    PAINTS.into_iter().fold(elements.to_owned(), |text, paint| {
        let (token, look) = (paint.token_text(), paint.look());
        ["fill", "stroke"].into_iter().fold(text, |text, attribute| {
            let class = format!("class=\"{}-{}\"", &attribute[..1], look.class);
            let new = format!("{class}{}", fallback(attribute, &look));
            text.replace(&format!("{attribute}=\"{token}\""), &new)
        })
    })
}

/// Leaves out attributes with their default values, and the digits of font sizes that nobody sees.
fn shortened(elements: &str) -> String {
    let mut text = elements.to_owned();
    for default in [
        " opacity=\"1\"",
        " stroke=\"none\"",
        " stroke-width=\"1\"",
        " font-family=\"sans-serif\"",
        " text-anchor=\"start\"",
    ] {
        text = text.replace(default, "");
    }
    let mut parts = text.split("font-size=\"");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (size, rest) = part.split_once('"').unwrap_or((part, ""));
        let size = size.parse().map_or(0.0, f64::round);
        short += &format!("font-size=\"{size}\"{rest}");
    }
    // Text stands on a line of its own.
    short
        .replace("\n</text>", "</text>")
        .replace(">\n", ">")
        .replace(" \"/>", "\"/>")
        .replace("/>", "/>\n")
}

/// A text of this size in pixels, and where its anchor is.
pub(super) fn text_style(paint: Paint, size: f64, h: HPos, v: VPos) -> TextStyle<'static> {
    // The library writes the size in another unit.
    ("sans-serif", size * 1.24).into_font().color(&paint.token()).pos(Pos::new(h, v))
}

/// Text whose left end, middle or right end is at this place, centred vertically.
pub(super) fn write(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    paint: Paint,
    size: f64,
    h: HPos,
) -> Drawn {
    let style = text_style(paint, size, h, VPos::Center);
    area.draw(&Text::new(visible(text).into_owned(), at, style))
}

/// Bold text that begins at this place.
pub(super) fn write_bold(area: &Area<'_>, text: &str, at: (i32, i32)) -> Drawn {
    let mut style = text_style(Paint::Text, USUAL, HPos::Left, VPos::Center);
    style.font = style.font.style(FontStyle::Bold);
    area.draw(&Text::new(visible(text).into_owned(), at, style))
}

pub(super) fn rectangle(
    area: &Area<'_>,
    corners: [(i32, i32); 2],
    style: impl Into<ShapeStyle>,
) -> Drawn {
    area.draw(&Rectangle::new(corners, style))
}

pub(super) fn line(area: &Area<'_>, points: &[(i32, i32)], paint: Paint, width: u32) -> Drawn {
    area.draw(&PathElement::new(points.to_vec(), paint.token().stroke_width(width)))
}

pub(super) fn polygon(area: &Area<'_>, points: &[(i32, i32)], paint: Paint) -> Drawn {
    area.draw(&Polygon::new(points.to_vec(), paint.token().filled()))
}

pub(super) fn dot(area: &Area<'_>, at: (i32, i32), radius: i32, paint: Paint) -> Drawn {
    area.draw(&Circle::new(at, radius, paint.token().filled()))
}

pub(super) fn ring(area: &Area<'_>, at: (i32, i32), radius: i32, paint: Paint) -> Drawn {
    area.draw(&Circle::new(at, radius, paint.token().stroke_width(2)))
}

/// Stripes across a rectangle, for what is not known.
pub(super) fn stripes(area: &Area<'_>, [(left, top), (right, bottom)]: [(i32, i32); 2]) -> Drawn {
    let height = bottom - top;
    (left - height..right).step_by(8).try_for_each(|x| {
        let (start, end) = (x.max(left), (x + height).min(right));
        let points = [(start, bottom - (start - x)), (end, bottom - (end - x))];
        line(area, &points, Paint::Grid, 1)
    })
}
