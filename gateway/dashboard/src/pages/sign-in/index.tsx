import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { Away } from "../../frame/Away.tsx";
import { config, configProblem, session } from "../../frame/gateway.ts";
import { Mark } from "../../frame/Mark.tsx";
import { useTitle } from "../../frame/title.ts";
import { Button } from "../../parts/Button.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import { SignInError, safePath } from "../../rest/oidc.ts";
import { sentenceOfError } from "../../rest/problem.ts";
import { Art } from "./Art.tsx";
import { checkClock, clockWords } from "./clock-check.ts";
import { TokenForm } from "./TokenForm.tsx";
import "./sign-in.css";

/** Shown at any address while nobody is signed in; it goes on to that address. */
export default function SignIn() {
  useTitle("Sign in");
  const { route } = useLocation();
  const problem = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const known = config.value;

  useEffect(() => void checkClock(), []);
  useEffect(() => {
    const answer = location.search;
    if (known === null || known.oidc === null || !session.isAnswer(answer)) return;
    history.replaceState(null, "", "/sign-in"); // a code is used once; it belongs into no history
    isBusy.value = true;
    session
      .finish(known.oidc, location.origin, answer)
      .then((path) => route(path, true))
      .catch((error: unknown) => (problem.value = wordsOf(error)))
      .finally(() => (isBusy.value = false));
  }, [known]);

  async function begin() {
    if (known?.oidc == null) return;
    isBusy.value = true;
    problem.value = null;
    try {
      location.assign(await session.begin(known.oidc, location.origin, goOnTo()));
    } catch (error) {
      problem.value = wordsOf(error);
      isBusy.value = false;
    }
  }

  return (
    <main class="si" id="main">
      <div class="over">
        <Away />
      </div>
      <Art />
      <div class="box">
        <div class="name">
          <Mark />
          <h1>Pumpjack</h1>
        </div>
        <p class="dim2">
          Your wells, live. You see only the wells of your tenant; which tenant that is comes from
          your sign-in and stays on screen all the time.
        </p>
        {known === null ? (
          <Waiting />
        ) : (
          <>
            {known.oidc !== null && (
              <Button
                kind="pri"
                big
                off={isBusy.value ? "Signing you in." : null}
                offSaidNearby
                onClick={() => void begin()}
              >
                <Icon name="lock" />
                {isBusy.value ? "Signing you in…" : "Sign in with your company account"}
              </Button>
            )}
            {(problem.value ?? (known.tokenSignIn ? null : session.why.value)) !== null && (
              <p class="wrong" role="alert">
                ✕ {problem.value ?? session.why.value}
              </p>
            )}
            {known.oidc !== null && known.tokenSignIn && (
              <small class="or">local gateway only</small>
            )}
            {known.tokenSignIn && (
              <TokenForm
                isOnly={known.oidc === null}
                why={session.why.value}
                onSignedIn={() => {
                  if (location.pathname === "/sign-in") route(goOnTo(), true);
                }}
              />
            )}
            {known.oidc === null && !known.tokenSignIn && (
              <p class="wrong">
                ✕ Nobody can sign in here yet. Whoever runs the gateway sets oidc_issuer and
                oidc_client_id, or token_sign_in.
              </p>
            )}
          </>
        )}
        <div class="note">
          <b>Who may do what.</b> Viewer: look. Operator: acknowledge, shelve, command. Engineer:
          also take alarms out of service. Admin: everything.
        </div>
        <small class="dim">
          {[known === null ? "" : `Gateway ${known.version}`, location.host, clockWords.value]
            .filter((one) => one !== "")
            .join(" · ")}
        </small>
      </div>
    </main>
  );
}

function Waiting() {
  if (configProblem.value === null) return <Skeleton waitingFor="the gateway" />;
  return (
    <ProblemBox
      title="The gateway does not answer"
      error={configProblem.value}
      besides="This page tries again every few seconds."
    />
  );
}

/** Where the person wanted to go. */
function goOnTo(): string {
  if (location.pathname !== "/sign-in") return safePath(location.pathname + location.search);
  return safePath(new URLSearchParams(location.search).get("to") ?? "/");
}

function wordsOf(error: unknown): string {
  return error instanceof SignInError ? error.message : sentenceOfError(error);
}
