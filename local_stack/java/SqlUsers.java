import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;

/**
 * The users of the SQL endpoint: their passwords and roles, as the stack writes them into a file that only its owner may
 * read. The file has a line "role user digest" for each, with the SHA-256 of the password; a line with no user has the digest
 * of MongoDB's connection string. The system property skytier.sql.users names the file.
 */
public final class SqlUsers implements PasswdAuthenticationProvider {

  enum Role {
    READER,
    OPERATOR
  }

  private record User(Role role, byte[] digest) {}

  private static final String FILE = "skytier.sql.users";
  private static final String HOT_TIER = ""; // no user has an empty name
  private static final User NOBODY = new User(Role.READER, digest(""));
  private static final Map<String, User> USERS = read(Path.of(System.getProperty(FILE)));

  @Override
  public void Authenticate(String name, String password) throws AuthenticationException {
    User known = USERS.getOrDefault(name, NOBODY);
    boolean matches = MessageDigest.isEqual(known.digest(), digest(password == null ? "" : password));
    if (!matches || known == NOBODY || name.equals(HOT_TIER)) {
      throw new AuthenticationException("The SQL endpoint does not know this user with this password.");
    }
  }

  /** What a user may do; a session of nobody, as the server has some of its own, may only read. */
  static Role role(String name) {
    return name == null ? Role.READER : USERS.getOrDefault(name, NOBODY).role();
  }

  /** Whether this is the connection string of the stack's own MongoDB. */
  static boolean isHotTier(String uri) {
    return MessageDigest.isEqual(USERS.getOrDefault(HOT_TIER, NOBODY).digest(), digest(uri));
  }

  private static Map<String, User> read(Path file) {
    try {
      Map<String, User> users = new HashMap<>();
      for (String line : Files.readAllLines(file)) {
        String[] fields = line.split(" ");
        users.put(fields[1], new User(Role.valueOf(fields[0]), HexFormat.of().parseHex(fields[2])));
      }
      return users;
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error);
    }
  }
}
