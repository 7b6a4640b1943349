import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Webhook } from '../../domain/webhooks.ts';
import { consumePoint } from '../request/admission.ts';

/** Each is a setting of `config.ts`. */
export interface WebhookLimits {
  readonly webhooksMax: number;
  readonly webhookActionsPerMinuteMax: number;
  readonly unverifiedWebhookTestsPerHourMax: number;
  /** 0: changes are never deleted. */
  readonly changesKeptDays: number;
}

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;

/**
 * Limits how often an organization can make this server send to a URL at once. The URL may belong to someone else, so
 * without a limit the server could be used to attack it.
 */
export class WebhookThrottle {
  readonly #actions: RateLimiterMemory;
  readonly #unverifiedTests: RateLimiterMemory;

  constructor({ webhookActionsPerMinuteMax, unverifiedWebhookTestsPerHourMax }: WebhookLimits) {
    this.#actions = new RateLimiterMemory({
      points: webhookActionsPerMinuteMax,
      duration: MINUTE_SECONDS,
    });
    this.#unverifiedTests = new RateLimiterMemory({
      points: unverifiedWebhookTestsPerHourMax,
      duration: HOUR_SECONDS,
    });
  }

  /** Counts a registration, a resumption, a new URL or a test. Rejects with `rate_limited`. */
  async act(organizationId: number): Promise<void> {
    await consumePoint(
      this.#actions,
      String(organizationId),
      'Too many requests that send to webhooks (ONHAND_WEBHOOK_ACTIONS_PER_MINUTE_MAX).',
    );
  }

  /** Counts a test; one to a URL that has never answered 2xx counts more. Rejects with `rate_limited`. */
  async test({ organizationId, verifiedAtMs }: Webhook): Promise<void> {
    if (verifiedAtMs === null) {
      await consumePoint(
        this.#unverifiedTests,
        String(organizationId),
        'Too many tests to URLs that have never answered 2xx (ONHAND_UNVERIFIED_WEBHOOK_TESTS_PER_HOUR_MAX).',
      );
    }
    await this.act(organizationId);
  }
}
