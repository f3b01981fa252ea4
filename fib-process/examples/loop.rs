use fib_core::*;
use std::time::*;
fn main() {
    fib_process::init();
    let a: Vec<String> = std::env::args().collect();
    let (count, n, reps): (usize, u64, usize) =
        (a[1].parse().unwrap(), a[2].parse().unwrap(), a[3].parse().unwrap());
    let kernel = kernels::by_name(&a[4]).unwrap();
    let chunking: Chunking = a[5].parse().unwrap();
    let workers: usize = a[6].parse().unwrap();
    for shared in [false, true] {
        let pool = fib_process::Builder::new(workers.try_into().unwrap())
            .shared_memory(shared)
            .pin(a.len() > 7)
            .build()
            .unwrap();
        let layout = Layout::new(kernel.clone(), &vec![n; count], MemoryLimit::default()).unwrap();
        let mut table = Table::new(layout).unwrap();
        let mut o = Options::default();
        o.chunking = chunking;
        o.timeline = true;
        let mut t = vec![];
        let mut seq = vec![];
        let mut busy = vec![];
        for _ in 0..reps {
            let s = Instant::now();
            execute(&Sequential, &mut table, &o).unwrap();
            seq.push(s.elapsed());
            std::thread::sleep(Duration::from_micros(200));
            let s = Instant::now();
            let r = execute(&pool, &mut table, &o).unwrap();
            t.push(s.elapsed());
            busy.push(
                r.iter()
                    .map(|r| {
                        let s = r.span.unwrap();
                        s.end - s.start
                    })
                    .sum::<Duration>(),
            );
            if t.len() == reps {
                for r in &r {
                    let p = r.span.unwrap();
                    eprintln!("w{} {:?}..{:?}", p.worker, p.start - s, p.end - s);
                }
            }
        }
        t.sort();
        seq.sort();
        busy.sort();
        println!(
            "shared {shared}: median {:?} q1 {:?} q3 {:?}; seq {:?} busy {:?}",
            t[reps / 2],
            t[reps / 4],
            t[reps * 3 / 4],
            seq[reps / 2],
            busy[reps / 2]
        );
    }
}
