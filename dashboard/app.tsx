import { useEffect } from "preact/hooks";
import type { Live } from "./client/live.ts";
import { useKey } from "./client/key.ts";
import { useLive } from "./client/live.ts";
import { NavigationProvider, useAddress } from "./client/navigation.ts";
import type { View } from "./model/address.ts";
import { views } from "./model/address.ts";
import { HealthStrip } from "./parts/health-strip.tsx";
import { KeyForm } from "./parts/key-form.tsx";
import { Link } from "./parts/link.tsx";
import { AdView } from "./views/ad-view.tsx";
import { CorrectionsView } from "./views/corrections-view.tsx";
import { ExplainDrawer } from "./views/explain-drawer.tsx";
import { LiveView } from "./views/live-view.tsx";
import { ReportsView } from "./views/reports-view.tsx";

const viewNames: Readonly<Record<View, string>> = {
  live: "Live",
  ad: "Ad",
  reports: "Reports",
  corrections: "Corrections",
};

export function App() {
  const { refused, isKnown, turn, take, forget } = useKey();
  if (refused) return <KeyForm key={turn} refused={refused} onKey={take} />;
  // Anew with every key: what was asked with another one is not shown.
  return <Dashboard key={turn} {...(isKnown && { onForget: forget })} />;
}

/** `onForget`: forgets the key that is shown. */
function Dashboard({ onForget }: { readonly onForget?: () => void }) {
  const navigation = useAddress();
  const { address } = navigation;
  const { view, range, filter, topN, explained } = address;
  // Only the live view asks for its own ranking; elsewhere the stream is there for the health.
  const asksWindow = view === "live" && "window" in range;
  const live = useLive(
    asksWindow ? { window: range.window, filter, topN: String(topN) } : { topN: "1" },
  );
  useEffect(() => {
    const what = view === "ad" && address.adId !== "" ? address.adId : viewNames[view];
    document.title = `${what} · clicktally`;
  }, [view, address.adId]);
  return (
    <NavigationProvider value={navigation}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="masthead">
        <div class="masthead-row">
          <span class="brand">clicktally</span>
          <nav aria-label="Views">
            {views.map((name) => (
              <Link key={name} to={{ view: name }} isCurrent={name === view}>
                {viewNames[name]}
              </Link>
            ))}
          </nav>
          <ConnectionNote live={live} />
          {onForget && (
            <button type="button" class="quiet" onClick={onForget}>
              Forget the key
            </button>
          )}
        </div>
        <HealthStrip live={live} />
      </header>
      <main id="main" tabIndex={-1}>
        {view === "live" && <LiveView live={live} />}
        {view === "ad" && <AdView />}
        {view === "reports" && <ReportsView />}
        {view === "corrections" && <CorrectionsView />}
      </main>
      {explained && <ExplainDrawer explained={explained} key={JSON.stringify(explained)} />}
    </NavigationProvider>
  );
}

const connectionTexts = {
  connecting: "Connecting …",
  open: "Live",
  waiting: "No connection, trying again …",
  refused: "Not live",
} as const;

function ConnectionNote({ live }: { readonly live: Live }) {
  const { kind } = live.connection;
  return (
    <p class={`connection connection-${kind}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span>{connectionTexts[kind]}</span>
    </p>
  );
}
