//! The colours of the charts and of the page, in a light and in a dark theme.
//!
//! Blue against orange can be told apart with every kind of colour blindness, and no colour is alone: each
//! cell and each part of a bar has its number or its word.

use plotters::style::RGBColor;

/// What a colour is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Text,
    /// Text of less weight: axes and notes.
    Soft,
    Grid,
    Page,
    Measured,
    Predicted,
    Law,
    /// A point that matters, such as a crossing.
    Mark,
    Ceiling,
    Ideal,
    /// The other curves behind the curve of a panel.
    Context,
    Faster1,
    Faster2,
    Faster3,
    Faster4,
    Slower1,
    Slower2,
    Slower3,
    Slower4,
    Equal,
    Failed,
    Useful,
    Inflation,
    Lock,
    FirstChunk,
    Dispatch,
    Tail,
    Unused,
}

/// Every paint, in the order of the enum.
pub(crate) const PAINTS: [Paint; 28] = {
    use Paint::*;
    [
        Text, Soft, Grid, Page, Measured, Predicted, Law, Mark, Ceiling, Ideal, Context, Faster1,
        Faster2, Faster3, Faster4, Slower1, Slower2, Slower3, Slower4, Equal, Failed, Useful,
        Inflation, Lock, FirstChunk, Dispatch, Tail, Unused,
    ]
};

/// How a paint looks: its class, its colour in the light and in the dark theme, and its dashes.
pub(crate) struct Look {
    pub(crate) class: &'static str,
    pub(crate) light: &'static str,
    pub(crate) dark: &'static str,
    pub(crate) dashes: Option<&'static str>,
}

impl Paint {
    pub(crate) fn look(self) -> Look {
        let (class, light, dark) = match self {
            Paint::Text => ("text", "#1b1f24", "#e8ebef"),
            Paint::Soft => ("soft", "#57606a", "#aab2bd"),
            Paint::Grid => ("grid", "#d8dee4", "#363c44"),
            Paint::Page => ("page", "#ffffff", "#14171b"),
            Paint::Measured => ("measured", "#0062a3", "#62b4f2"),
            Paint::Predicted => ("predicted", "#0062a3", "#62b4f2"),
            Paint::Law => ("law", "#a84300", "#f3a05f"),
            Paint::Mark => ("mark", "#a84300", "#f3a05f"),
            Paint::Ceiling => ("ceiling", "#00705a", "#45c7a6"),
            Paint::Ideal => ("ideal", "#6e7781", "#8b949e"),
            Paint::Context => ("context", "#c3cad1", "#4a525c"),
            Paint::Faster1 => ("faster1", "#e6f1fa", "#10283b"),
            Paint::Faster2 => ("faster2", "#c4e0f5", "#143a58"),
            Paint::Faster3 => ("faster3", "#98c9ee", "#194c74"),
            Paint::Faster4 => ("faster4", "#66acdf", "#1f6095"),
            Paint::Slower1 => ("slower1", "#fdeedd", "#35230f"),
            Paint::Slower2 => ("slower2", "#fbd9b5", "#4b2f10"),
            Paint::Slower3 => ("slower3", "#f5bb82", "#653d11"),
            Paint::Slower4 => ("slower4", "#e9994f", "#824e13"),
            Paint::Equal => ("equal", "#e9ebee", "#2b3036"),
            Paint::Failed => ("failed", "#c9ced4", "#454c55"),
            Paint::Useful => ("useful", "#98c9ee", "#1f6095"),
            Paint::Inflation => ("inflation", "#f5bb82", "#824e13"),
            Paint::Lock => ("lock", "#dcb4e0", "#6d3d78"),
            Paint::FirstChunk => ("first", "#efe08a", "#635409"),
            Paint::Dispatch => ("dispatch", "#93d9c2", "#0e5f4b"),
            Paint::Tail => ("tail", "#c9ced4", "#454c55"),
            Paint::Unused => ("unused", "#eef0f2", "#24292f"),
        };
        let dashes = match self {
            Paint::Predicted => Some("6 4"),
            Paint::Law => Some("2 3"),
            Paint::Ideal => Some("1 3"),
            _ => None,
        };
        Look { class, light, dark, dashes }
    }

    /// The colour that stands for this paint while a chart is drawn.
    pub(crate) fn token(self) -> RGBColor {
        RGBColor(0xfe, 0xed, self as u8)
    }

    /// The token as it stands in the SVG.
    pub(crate) fn token_text(self) -> String {
        format!("#FEED{:02X}", self as u8)
    }
}

/// The colours of a theme as custom properties.
fn properties(color: impl Fn(&Look) -> &'static str) -> String {
    let property = |paint: &Paint| format!("--{}:{};", paint.look().class, color(&paint.look()));
    PAINTS.iter().map(property).collect()
}

/// The style sheet of the colours: custom properties for both themes, and a class to fill and a class to
/// stroke with each of them.
pub(crate) fn style_sheet() -> String {
    let classes = |paint: &Paint| {
        let Look { class, dashes, .. } = paint.look();
        let dashes = dashes.map_or(String::new(), |dashes| format!(";stroke-dasharray:{dashes}"));
        format!(".f-{class}{{fill:var(--{class})}}.s-{class}{{stroke:var(--{class}){dashes}}}")
    };
    format!(
        ":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n\
         @media print{{:root{{{}}}}}\n{}\n",
        properties(|look| look.light),
        properties(|look| look.dark),
        properties(|look| look.light),
        PAINTS.iter().map(classes).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of WCAG 2.
    fn luminance(color: &str) -> f64 {
        let part = |from: usize| {
            let value = f64::from(u8::from_str_radix(&color[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_every_background_in_both_themes() {
        let backgrounds = PAINTS.into_iter().skip(Paint::Faster1 as usize).chain([Paint::Page]);
        for paint in backgrounds {
            let (text, ground) = (Paint::Text.look(), paint.look());
            let both = [(text.light, ground.light), (text.dark, ground.dark)];
            for (text, ground) in both {
                assert!(contrast(text, ground) >= 4.5, "{paint:?} {}", contrast(text, ground));
            }
        }
    }

    #[test]
    fn lines_and_soft_text_can_be_seen_on_the_page() {
        use Paint::*;
        let page = Page.look();
        for (paint, least) in
            [(Soft, 4.5), (Measured, 4.5), (Law, 4.5), (Mark, 4.5), (Ceiling, 4.5), (Ideal, 3.0)]
        {
            let look = paint.look();
            assert!(contrast(look.light, page.light) >= least, "{paint:?}");
            assert!(contrast(look.dark, page.dark) >= least, "{paint:?}");
        }
    }

    #[test]
    fn every_paint_has_a_token_and_a_class_of_its_own() {
        for (position, paint) in PAINTS.into_iter().enumerate() {
            assert_eq!(paint as usize, position);
        }
        let mut classes: Vec<_> = PAINTS.iter().map(|paint| paint.look().class).collect();
        classes.sort_unstable();
        classes.dedup();
        assert_eq!(classes.len(), PAINTS.len());
    }
}
