//! The processes that tell what is due: the program itself in the role `worker`, as it runs in production.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Two of them; they are killed when their value goes.
pub struct Workers<'a> {
    url: &'a str,
    folder: &'a Path,
    children: Vec<Child>,
}

impl<'a> Workers<'a> {
    pub fn start(url: &'a str, folder: &'a Path) -> anyhow::Result<Self> {
        let mut workers = Self { url, folder, children: Vec::new() };
        for _ in 0..2 {
            let child = workers.spawn()?;
            workers.children.push(child);
        }
        Ok(workers)
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let log = File::options().create(true).append(true).open(self.folder.join("workers.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticketing"));
        command.args(["serve", "--insecure", "--role", "worker", "--database-url", self.url]);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(command.spawn()?)
    }

    /// `kill -9` of one, in the middle of whatever it does; another takes its place.
    pub fn kill(&mut self, which: usize) -> anyhow::Result<()> {
        let at = which % self.children.len();
        self.children[at].kill()?;
        self.children[at].wait()?;
        self.children[at] = self.spawn()?;
        Ok(())
    }

    /// Seconds of a core that they have used.
    pub fn busy(&self) -> f64 {
        self.children.iter().map(|child| busy(child.id())).sum()
    }

    /// Whether both are still there: a worker outlives the database.
    pub fn live(&mut self) -> anyhow::Result<bool> {
        let mut live = true;
        for child in &mut self.children {
            live &= child.try_wait()?.is_none();
        }
        Ok(live)
    }
}

impl Drop for Workers<'_> {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that has ended already needs no end.
            _ = child.kill();
            _ = child.wait();
        }
    }
}

/// Seconds of a core that a process and its children have used, also those that are gone.
pub fn busy(pid: u32) -> f64 {
    let of = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
        let ticks: u64 = fields.split(' ').skip(12).take(4).filter_map(|it| it.parse::<u64>().ok()).sum();
        ticks as f64 / 100.0
    };
    let pid = pid.to_string();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    of(&pid) + children.split_whitespace().map(of).sum::<f64>()
}
