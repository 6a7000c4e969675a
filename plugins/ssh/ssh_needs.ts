/**
 * What the SSH plugin takes from others when they are there.
 *
 * @module
 */
import { optional, type OptionalNeed } from "../../core/plugin.ts";
import { BannerFeed, ConnectionReports, ManifestFeed } from "../controlplane/service.ts";

/** What the plugin takes from others when they are there. */
export type SshNeeds = {
  readonly manifest: OptionalNeed<ManifestFeed>;
  readonly banners: OptionalNeed<BannerFeed>;
  readonly reports: OptionalNeed<ConnectionReports>;
};

/** Their tokens. */
export const sshNeeds: SshNeeds = {
  manifest: optional(ManifestFeed),
  banners: optional(BannerFeed),
  reports: optional(ConnectionReports),
};
