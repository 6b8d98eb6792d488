//! Columns side by side: the first to the left, the others to the right.

pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(titles: &[&str]) -> Table {
        Table { rows: vec![titles.iter().map(|t| t.to_string()).collect()] }
    }

    pub fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.to_vec());
    }

    pub fn text(&self) -> String {
        let n = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |i: usize| self.rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..n).map(width).collect();
        let line = |row: &Vec<String>| {
            let cell = |(i, c): (usize, &String)| {
                let blank = " ".repeat(widths[i].saturating_sub(c.chars().count()));
                if i == 0 { format!("{c}{blank}") } else { format!("{blank}{c}") }
            };
            let line: Vec<String> = row.iter().enumerate().map(cell).collect();
            format!("{}\n", line.join("  ").trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["codec", "ratio"]);
        table.row(&["zstd −19".into(), "1.9".into()]);
        assert_eq!(table.text(), "codec     ratio\nzstd −19    1.9\n");
    }
}
