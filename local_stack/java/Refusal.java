/** A statement, or a setting, that the SQL endpoint refuses; the message says which and why. */
final class Refusal extends RuntimeException {

  Refusal(String what) {
    super("[REFUSED] " + what + ". See docs/sql.md, \"Users and what they may do\".");
  }
}
