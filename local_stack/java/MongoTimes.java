import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Lets the SQL endpoint read MongoDB's dates. The connector hands them over as java.sql.Timestamp, but the Thrift Server
 * sets every new session to java.time.Instant, after all that could configure it. So it is set back before a statement is
 * parsed. (Results look the same: the Thrift Server formats both.)
 */
public final class MongoTimes extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser(MongoTimes::parser);
    return BoxedUnit.UNIT;
  }

  private static ParserInterface parser(SparkSession session, ParserInterface parser) {
    return (ParserInterface) Proxy.newProxyInstance(
        MongoTimes.class.getClassLoader(),
        new Class<?>[] {ParserInterface.class},
        (proxy, method, arguments) -> {
          if (method.getName().startsWith("parsePlan")) {
            session.conf().set("spark.sql.datetime.java8API.enabled", "false");
          }
          try {
            return method.invoke(parser, arguments);
          } catch (InvocationTargetException error) {
            throw error.getCause();
          }
        });
  }
}
