import { mayReadMetrics } from './access.ts';
import { Gauges, type GaugeSources } from './gauges.ts';
import { Instruments, type Exposition } from './instruments.ts';
import { listenForScrapes, type MetricsListener } from './listener.ts';
import { Recorder } from './recorder.ts';

/** Where metrics are served; each is a setting of `config.ts`. */
export interface MetricsSettings {
  readonly metricsHost: string;
  readonly metricsPort: number | null;
  readonly metricsToken: string | null;
}

/** The metrics of one server. */
export class ServerMetrics {
  readonly record: Recorder;
  readonly #instruments = new Instruments();
  readonly #settings: MetricsSettings;
  #gauges: Gauges | undefined;
  #listener: MetricsListener | undefined;

  private constructor(settings: MetricsSettings) {
    this.#settings = settings;
    this.record = new Recorder(this.#instruments);
  }

  /** Undefined if the settings serve metrics nowhere. */
  static for(settings: MetricsSettings): ServerMetrics | undefined {
    const { metricsPort, metricsToken } = settings;
    return metricsPort === null && metricsToken === null ? undefined : new ServerMetrics(settings);
  }

  /** Whether a token guards the metrics, so that the public listener may serve them. */
  get isGuarded(): boolean {
    return this.#settings.metricsToken !== null;
  }

  /** Whether a request with this `Authorization` header may read them. */
  mayRead(authorization: string | undefined): boolean {
    const { metricsToken: token } = this.#settings;
    return token === null || mayReadMetrics(authorization, token);
  }

  /** Where the listener of its own serves; null if there is none. */
  get url(): string | null {
    return this.#listener?.url ?? null;
  }

  /**
   * Begins to read gauges, and to listen if there is a port. Throws `parameter_invalid` if it cannot listen there.
   *
   * @param onFailure called when a scrape fails
   */
  async start(sources: GaugeSources, onFailure: (error: unknown) => void): Promise<void> {
    this.#gauges = new Gauges(this.#instruments, sources);
    const { metricsHost: host, metricsPort: port } = this.#settings;
    if (port === null) return;
    this.#listener = await listenForScrapes({
      host,
      port,
      mayRead: (authorization) => this.mayRead(authorization),
      scrape: () => this.scrape(),
      onFailure,
    });
  }

  async scrape(): Promise<Exposition> {
    await this.#gauges?.update();
    return this.#instruments.print();
  }

  async stop(): Promise<void> {
    this.#gauges?.stop();
    await this.#listener?.close();
  }
}
