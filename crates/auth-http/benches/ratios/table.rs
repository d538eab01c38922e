//! The table: one row, one bar.

/// What a row must not exceed.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// Ours, in floors.
    Ratio(f64),
    /// Ours, in the row's own unit.
    Value(f64),
    /// Nothing: the row explains another one.
    None,
}

/// One measurement beside its floor.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    pub(crate) floor: Option<f64>,
    /// The median of the rounds' own ratios where there are rounds, else the ratio of the two figures.
    pub(crate) ratio: Option<f64>,
    pub(crate) bar: Bar,
}

impl Row {
    /// A row whose ratio is that of its two figures.
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, ours: f64, floor: f64, bar: Bar) -> Self {
        Self { name: name.into(), unit, ours, floor: Some(floor), ratio: Some(ours / floor), bar }
    }

    /// A row without a floor.
    pub(crate) fn alone(name: impl Into<String>, unit: &'static str, ours: f64, bar: Bar) -> Self {
        Self { name: name.into(), unit, ours, floor: None, ratio: None, bar }
    }

    pub(crate) fn print(&self) {
        let figure = |value: Option<f64>| {
            value.map_or(String::from("-"), |value| format!("{value:.*} {}", if value < 1.0 { 3 } else { 1 }, self.unit))
        };
        let ratio = self.ratio.map_or(String::from("-"), |ratio| format!("{ratio:.3}"));
        let (bar, holds) = match self.bar {
            Bar::Ratio(most) => (format!("{most:.2}x"), self.ratio.is_some_and(|ratio| ratio <= most)),
            Bar::Value(most) => (format!("{most} {}", self.unit), self.ours <= most),
            Bar::None => (String::from("-"), true),
        };
        let verdict = match (self.bar, holds) {
            (Bar::None, _) => "",
            (_, true) => "ok",
            (_, false) => "over",
        };
        println!("{:<62} {:>13} {:>13} {ratio:>8} {bar:>10}  {verdict}", self.name, figure(Some(self.ours)), figure(self.floor));
    }
}

/// The line above the rows.
pub(crate) fn head() {
    println!("{:<62} {:>13} {:>13} {:>8} {:>10}", "what", "ours", "floor", "ratio", "bar");
}
