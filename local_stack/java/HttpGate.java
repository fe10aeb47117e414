import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Set;

/**
 * Who may ask the HTTP servers of HDFS: programs that know the stack's secret. No web page does, whatever name it reached
 * the server by.
 */
final class HttpGate {

  static final String HEADER = "X-Skytier-Secret";

  private static final byte[] SECRET = secret();
  private static final Set<String> HOSTS = hosts();

  /** Why a request is refused; null when it is not. */
  static String refusal(String host, String origin, String secret) {
    if (origin != null) {
      return "Requests of web pages are refused.";
    }
    if (host == null || !HOSTS.contains(host.replaceFirst(":\\d+$", ""))) {
      return "The host of the request is not this server.";
    }
    if (secret == null || !MessageDigest.isEqual(SECRET, secret.getBytes(StandardCharsets.UTF_8))) {
      return "The header " + HEADER + " is missing or wrong: it is SKYTIER_HDFS_SECRET of stack.env.";
    }
    return null;
  }

  private static byte[] secret() {
    String secret = System.getenv("SKYTIER_HDFS_SECRET");
    if (secret == null || secret.isEmpty()) {
      throw new IllegalStateException("SKYTIER_HDFS_SECRET is not set");
    }
    return secret.getBytes(StandardCharsets.UTF_8);
  }

  /** The names of this server, comma-separated, as the one who starts it says. */
  private static Set<String> hosts() {
    String names = System.getenv("SKYTIER_HDFS_GATE_HOSTS");
    if (names == null || names.isEmpty()) {
      throw new IllegalStateException("SKYTIER_HDFS_GATE_HOSTS is not set");
    }
    return Set.of(names.split(","));
  }

  private HttpGate() {}
}
