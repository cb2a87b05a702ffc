import { localZone, useNavigation } from "../client/navigation.ts";

const zones = [...new Set(["UTC", localZone, ...Intl.supportedValuesOf("timeZone")])];

export function ZonePicker() {
  const { address, go } = useNavigation();
  const known = zones.includes(address.zone) ? zones : [address.zone, ...zones];
  return (
    <label class="field">
      <span class="field-label">Zone</span>
      <select
        class="zone"
        value={address.zone}
        onChange={(event) => go({ zone: event.currentTarget.value })}
      >
        {known.map((zone) => (
          <option key={zone} value={zone}>
            {zone.replaceAll("_", " ")}
          </option>
        ))}
      </select>
    </label>
  );
}
