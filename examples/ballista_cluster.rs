//! A Ballista cluster on this machine: a scheduler and two executors, each a process of its own, and
//! a query over Parquet files with a column of frames and its dictionary.
//!
//! ```text
//! cargo run --release --example ballista_cluster --features ballista [-- --kill] [--rows N]
//! ```
//!
//! It runs the query with one executor and with two, and prints the result and the times. With
//! `--kill` it ends one of the two in the middle of the query, without a word to anyone, and the
//! result is the same. All that it starts ends with it.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use parquet::arrow::ArrowWriter;
use zstd_arrow::sql::cluster;
use zstd_arrow::{Compressor, Dictionary, schema};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const HOST: &str = "127.0.0.1";
/// Files of the table, which is also how many tasks can run at once.
const FILES: usize = 16;
/// Decompresses, and compresses again at a high level to have something to do.
const QUERY: &str = "
    SELECT kind, count(*) AS events, sum(zstd_frame_info(payload)['compressed_size']) AS together,
        sum(zstd_frame_info(zstd_compress(zstd_decompress(payload), 12))['compressed_size']) AS alone
    FROM events GROUP BY kind ORDER BY kind";

#[tokio::main]
pub(crate) async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["scheduler", port] => scheduler(port.parse()?).await,
        ["executor", scheduler, port, grpc_port, folder] => {
            executor(scheduler.parse()?, port.parse()?, grpc_port.parse()?, folder).await
        }
        [] => lead(120_000, false).await,
        ["--kill"] => lead(120_000, true).await,
        ["--rows", rows] => lead(rows.parse()?, false).await,
        ["--kill", "--rows", rows] => lead(rows.parse()?, true).await,
        _ => Err("usage: ballista_cluster [--kill] [--rows N]".into()),
    }
}

/// The process that a scheduler is.
async fn scheduler(port: u16) -> Result<()> {
    end_with_parent();
    let config = cluster::scheduler(SchedulerConfig {
        bind_host: HOST.to_owned(),
        external_host: HOST.to_owned(),
        bind_port: port,
        // An executor that is silent for three seconds is gone, and its tasks go to others.
        executor_timeout_seconds: 3,
        expire_dead_executor_interval_seconds: 1,
        ..SchedulerConfig::default()
    });
    let cluster = BallistaCluster::new_from_config(&config).await?;
    Ok(start_server(cluster, SocketAddr::new(HOST.parse()?, port), Arc::new(config)).await?)
}

/// The process that an executor is: one task at a time.
async fn executor(scheduler: u16, port: u16, grpc_port: u16, folder: &str) -> Result<()> {
    end_with_parent();
    let config = cluster::executor(ExecutorProcessConfig {
        bind_host: HOST.to_owned(),
        external_host: Some(HOST.to_owned()),
        port,
        grpc_port,
        scheduler_host: HOST.to_owned(),
        scheduler_port: scheduler,
        vcores: 1,
        work_dir: Some(folder.to_owned()),
        executor_heartbeat_interval_seconds: 1,
        ..ExecutorProcessConfig::default()
    });
    Ok(start_executor_process(Arc::new(config)).await?)
}

/// Ends this process when its standard input does, as it does when the process is gone that started
/// it.
fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// A process that ends with this value.
struct Process(Child);

impl Process {
    fn start(args: &[String]) -> Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self(Command::new(program).args(args).stdin(Stdio::piped()).spawn()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone after `wait`.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Cluster {
    folder: PathBuf,
    port: u16,
    executors: Vec<Process>,
    _scheduler: Process,
}

impl Cluster {
    fn start(folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let scheduler = Process::start(&["scheduler".into(), port.to_string()])?;
        wait_for(port)?;
        let folder = folder.to_owned();
        Ok(Self { folder, port, executors: Vec::new(), _scheduler: scheduler })
    }

    fn add_executor(&mut self) -> Result<()> {
        let (port, grpc_port) = (free_port()?, free_port()?);
        let folder = self.executor_folder(self.executors.len());
        std::fs::create_dir(&folder)?;
        let folder = folder.to_string_lossy().into_owned();
        let numbers = [self.port, port, grpc_port].map(|port| port.to_string());
        let args: Vec<String> =
            ["executor".into()].into_iter().chain(numbers).chain([folder]).collect();
        self.executors.push(Process::start(&args)?);
        wait_for(port)
    }

    fn executor_folder(&self, number: usize) -> PathBuf {
        self.folder.join(format!("executor-{number}"))
    }

    /// The files that an executor wrote for others to read: of each task, its results.
    fn results(&self, number: usize) -> usize {
        fn count(folder: &Path) -> usize {
            let Ok(entries) = folder.read_dir() else { return 0 };
            let entries = entries.flatten().map(|entry| entry.path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(&self.executor_folder(number))
    }

    async fn session(&self, data: &Path) -> Result<SessionContext> {
        let config = SessionConfig::new().with_target_partitions(FILES);
        let ctx = cluster::session(&format!("http://{HOST}:{}", self.port), config)?;
        let options = ParquetReadOptions::default().skip_metadata(false);
        ctx.register_parquet("events", data.to_string_lossy(), options).await?;
        Ok(ctx)
    }
}

/// The process that starts the others and asks the query.
async fn lead(rows: usize, kill: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("events");
    let raw = write(&data, rows)?;
    println!("{rows} events of {raw} bytes in {FILES} files, {} bytes compressed", size(&data)?);

    let mut cluster = Cluster::start(folder.path())?;
    cluster.add_executor()?;
    let ctx = cluster.session(&data).await?;
    let first = timed(&ctx, "one executor, new").await?;
    println!("{first}");
    if !kill {
        check(&first, &timed(&ctx, "one executor").await?)?;
    }
    cluster.add_executor()?;
    if kill {
        let before = cluster.results(1);
        let query = tokio::spawn(async move { timed(&ctx, "two, one of them killed").await });
        while cluster.results(1) == before {
            if query.is_finished() {
                return Err("the query was over before the second executor took part".into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        println!("killing an executor that has written {} files", cluster.results(1) - before);
        drop(cluster.executors.pop());
        if query.is_finished() {
            return Err("the query was over before the executor was killed".into());
        }
        check(&first, &query.await??)?;
    } else {
        // The executors fetch their tasks: the second is known to the scheduler when it has some.
        check(&first, &timed(&ctx, "two executors, the second new").await?)?;
        check(&first, &timed(&ctx, "two executors").await?)?;
        println!("results: {} and {} files", cluster.results(0), cluster.results(1));
        if cluster.results(1) == 0 {
            return Err("the second executor did nothing".into());
        }
    }
    println!("the same result each time");
    Ok(())
}

fn check(first: &str, again: &str) -> Result<()> {
    match first == again {
        true => Ok(()),
        false => Err(format!("another result:\n{again}").into()),
    }
}

/// The result of the query as a table, and the time it took on the standard output.
async fn timed(
    ctx: &SessionContext,
    what: &str,
) -> Result<String, datafusion::error::DataFusionError> {
    let start = Instant::now();
    let batches = ctx.sql(QUERY).await?.collect().await?;
    println!("{what}: {:.2} s", start.elapsed().as_secs_f64());
    Ok(pretty_format_batches(&batches)?.to_string())
}

/// Writes the table; its raw size in bytes.
fn write(folder: &Path, rows: usize) -> Result<usize> {
    std::fs::create_dir(folder)?;
    let kind = |row: usize| ["view", "click", "order"][row % 3];
    let value = |row: usize| {
        let text = format!("{:x}", row.wrapping_mul(0x9E37_79B9_7F4A_7C15)).repeat(12);
        format!("{{\"kind\": \"{}\", \"page\": \"/item/{row}\", \"note\": \"{text}\"}}", kind(row))
    };
    let sample: StringArray = (0..rows.min(20_000)).map(|row| Some(value(row))).collect();
    let dictionary = Dictionary::train(&sample, 32 << 10)?;
    let codec = Compressor::builder().dictionary(dictionary.clone()).build()?;
    let mut metadata = Default::default();
    schema::add_dictionary(&mut metadata, &dictionary)?;
    let payload = Field::new("payload", DataType::Utf8, false);
    let fields = vec![
        Field::new("id", DataType::Int64, false),
        Field::new("kind", DataType::Utf8, false),
        schema::mark(&payload, DataType::LargeBinary, codec.options())?,
    ];
    let table = Arc::new(Schema::new_with_metadata(fields, metadata));
    let mut raw = 0;
    for file in 0..FILES {
        let part = rows * file / FILES..rows * (file + 1) / FILES;
        let values: StringArray = part.clone().map(|row| Some(value(row))).collect();
        raw += values.values().len();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(part.clone().map(|row| row as i64).collect::<Int64Array>()),
            Arc::new(StringArray::from_iter_values(part.map(kind))),
            codec.compress_array(&values)?,
        ];
        let target = File::create(folder.join(format!("{file}.parquet")))?;
        let mut writer = ArrowWriter::try_new(target, table.clone(), None)?;
        writer.write(&RecordBatch::try_new(table.clone(), columns)?)?;
        writer.close()?;
    }
    Ok(raw)
}

fn size(folder: &Path) -> Result<u64> {
    folder.read_dir()?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((HOST, 0))?.local_addr()?.port())
}

fn wait_for(port: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect((HOST, port)).is_err() {
        if Instant::now() > deadline {
            return Err(format!("nobody listens on port {port}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
