/** What changed after it was final, and what is kept uncounted until somebody decides. */

import { useState } from "preact/hooks";
import { rangeParameters } from "../model/address.ts";
import { useNavigation } from "../client/navigation.ts";
import { CsvButton } from "../parts/csv-button.tsx";
import { JournalTable } from "../parts/journal-table.tsx";
import { Link } from "../parts/link.tsx";
import { QuarantineCard } from "../parts/quarantine-card.tsx";
import { RangePicker } from "../parts/range-picker.tsx";
import { ZonePicker } from "../parts/zone-picker.tsx";

const rowsACsvPage = 100_000;

export function CorrectionsView() {
  const { address } = useNavigation();
  const { range, adId, tab } = address;
  const parameters = { ...rangeParameters(range), ad_id: adId };
  return (
    <>
      <h1>Corrections</h1>
      <section class="toolbar" aria-label="What is shown">
        <AdField key={adId} />
        <RangePicker />
        <ZonePicker />
      </section>
      <nav class="tabs" aria-label="Corrections">
        <Link to={{ tab: "restatements" }} isCurrent={tab === "restatements"}>
          Restatements
        </Link>
        <Link to={{ tab: "quarantine" }} isCurrent={tab === "quarantine"}>
          Quarantine
        </Link>
      </nav>
      {tab === "restatements" ? (
        <section class="card" aria-labelledby="journal-title">
          <header class="card-head">
            <h2 id="journal-title">Restatements</h2>
            <p class="card-note">Minutes whose count changed after they were final.</p>
            <div class="card-tools">
              <CsvButton
                table={{ path: "v1/restatements", parameters, limit: rowsACsvPage }}
                name="restatements"
              />
            </div>
          </header>
          <JournalTable parameters={parameters} labelledBy="journal-title" />
        </section>
      ) : (
        <QuarantineCard parameters={parameters} />
      )}
    </>
  );
}

function AdField() {
  const { address, go } = useNavigation();
  const [text, setText] = useState(address.adId);
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    go({ adId: text });
  };
  return (
    <form class="field" onSubmit={onSubmit}>
      <label class="field-label" for="corrections-ad">
        Ad
      </label>
      <input
        id="corrections-ad"
        class="ad-id"
        autocomplete="off"
        spellcheck={false}
        placeholder="all ads"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={onSubmit}
      />
    </form>
  );
}
