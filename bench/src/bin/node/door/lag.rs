//! How far behind their receipts the views are.

use super::Outcome;
use bench::clients::Answer;
use node::views::Views;
use record::name::Origin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// When the views had reached which size of a log.
pub struct Marks(Vec<(Instant, u64)>);

/// A thread that notes each batch of the views at the moment at which it can be read.
pub struct Following {
    enough: oneshot::Sender<()>,
    noting: JoinHandle<Outcome<Marks>>,
}

impl Marks {
    /// Notes what `views` fold of the log of `origin` from now on.
    pub fn follow(views: &Arc<Views>, origin: &Origin) -> Outcome<Following> {
        let (enough, ended) = oneshot::channel();
        let (views, origin) = (Arc::clone(views), origin.clone());
        let noting = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            Ok(runtime.block_on(note(&views, &origin, ended)))
        };
        let noting = std::thread::Builder::new()
            .name("marks".into())
            .spawn(noting)?;
        Ok(Following { enough, noting })
    }

    /// Of each answer: how long after it the views had what it tells of; nothing where they had it before.
    pub fn lags(&self, answers: &[Answer]) -> Outcome<Vec<Duration>> {
        let lag = |answer: &Answer| {
            let first = self.0.partition_point(|(_, size)| *size <= answer.index);
            let (at, _) = self
                .0
                .get(first)
                .ok_or("the views never got as far as a receipt")?;
            Ok(at.saturating_duration_since(answer.answered))
        };
        answers.iter().map(lag).collect()
    }
}

async fn note(views: &Views, origin: &Origin, mut ended: oneshot::Receiver<()>) -> Marks {
    let mut changes = views.changes();
    let mut marks = Vec::new();
    loop {
        let size = views.context().folded.get(origin).copied();
        marks.push((Instant::now(), size.unwrap_or(0)));
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() { break },
            _ = &mut ended => break,
        }
    }
    Marks(marks)
}

impl Following {
    /// Ends when everything is folded that there is.
    pub fn end(self) -> Outcome<Marks> {
        let _ = self.enough.send(());
        self.noting
            .join()
            .map_err(|_| "whoever noted the views panicked")?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_views_have_an_entry_when_they_are_longer_than_its_index() {
        let begin = Instant::now();
        let ms = Duration::from_millis;
        let marks = Marks(vec![(begin, 0), (begin + ms(10), 5), (begin + ms(30), 6)]);
        let answer = |index, at| Answer {
            index,
            due: begin,
            answered: begin + ms(at),
        };
        let lags = marks
            .lags(&[answer(4, 2), answer(5, 2), answer(0, 20)])
            .expect("all are there");
        assert_eq!(lags, [ms(8), ms(28), ms(0)]);
        assert!(marks.lags(&[answer(6, 2)]).is_err());
    }
}
