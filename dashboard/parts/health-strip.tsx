import type { Live } from "../client/live.ts";
import { useHealthNumbers } from "../client/health.ts";
import { healthItems } from "../../src/health/health-items.ts";

const toneWords = { good: "", watch: ", to be watched", bad: ", bad", unknown: ", not known" };

export function HealthStrip({ live }: { readonly live: Live }) {
  const numbers = useHealthNumbers();
  const { answer } = live;
  const items = healthItems({
    ...numbers,
    status: answer?.status,
    nowMs: answer ? Date.parse(answer.at) : Date.now(),
  });
  return (
    <section class="health" aria-label="Health">
      <dl>
        {items.map(({ name, value, tone, meaning }) => (
          <div key={name} class={`health-item tone-${tone}`} title={meaning}>
            <dt>{name}</dt>
            <dd>
              <span class="dot" aria-hidden="true" />
              {value}
              <span class="visually-hidden">{toneWords[tone]}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
