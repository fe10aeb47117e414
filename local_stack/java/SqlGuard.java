import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Properties;
import java.util.Set;
import org.apache.hive.service.auth.TSetIpAddressProcessor;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Function1;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Refuses statements of the SQL endpoint that run code, leave the warehouse, or are not for the user's role.
 *
 * <p>Every statement is looked at twice: as it was parsed, before Spark acts on anything in it (StatementRules), and when
 * its names are resolved, for what they turned out to be (ResolvedRules).
 */
public final class SqlGuard extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser(SqlGuard::parser);
    extensions.injectCheckRule(session -> check());
    if (!(System.getProperties() instanceof GuardedProperties)) {
      System.setProperties(new GuardedProperties(System.getProperties()));
    }
    return BoxedUnit.UNIT;
  }

  /** Runs while the session is opened, in the thread of the connection: whose user was authenticated. */
  private static ParserInterface parser(SparkSession session, ParserInterface parser) {
    SqlUsers.Role role = SqlUsers.role(TSetIpAddressProcessor.getUserName());
    return (ParserInterface) Proxy.newProxyInstance(
        SqlGuard.class.getClassLoader(),
        interfaces(parser.getClass()),
        (proxy, method, arguments) -> {
          boolean isStatement = method.getName().startsWith("parsePlan");
          if (isStatement) {
            SessionSettings.check(session);
          }
          try {
            Object parsed = method.invoke(parser, arguments);
            if (parsed instanceof LogicalPlan plan) {
              new StatementRules(isStatement ? role : SqlUsers.Role.READER).check(plan);
            } else if (parsed instanceof Expression expression) {
              new StatementRules(SqlUsers.Role.READER).check(expression);
            }
            return parsed;
          } catch (InvocationTargetException error) {
            throw error.getCause();
          }
        });
  }

  private static Function1<LogicalPlan, BoxedUnit> check() {
    return new AbstractFunction1<>() {
      @Override
      public BoxedUnit apply(LogicalPlan plan) {
        ResolvedRules.check(plan);
        return BoxedUnit.UNIT;
      }
    };
  }

  /** All of them: Iceberg looks for its own kind of parser. */
  private static Class<?>[] interfaces(Class<?> type) {
    Set<Class<?>> found = new LinkedHashSet<>();
    for (Class<?> each = type; each != null; each = each.getSuperclass()) {
      Collections.addAll(found, each.getInterfaces());
    }
    return found.toArray(Class<?>[]::new);
  }

  /** A client may name system properties when it opens a session, and Hive would set them, for the whole server. */
  private static final class GuardedProperties extends Properties {

    GuardedProperties(Properties known) {
      putAll(known);
    }

    @Override
    public synchronized Object setProperty(String key, String value) {
      if (TSetIpAddressProcessor.getUserName() != null && isOfSession()) {
        throw new Refusal("A session sets no properties of the server's JVM, as " + key);
      }
      return super.setProperty(key, value);
    }

    private static boolean isOfSession() {
      return StackWalker.getInstance()
          .walk(frames -> frames.anyMatch(frame -> frame.getMethodName().equals("configureSession")));
    }
  }
}
