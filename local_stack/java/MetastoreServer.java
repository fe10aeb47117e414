import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.jdo.JDOHelper;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hadoop.hive.metastore.HiveMetaStore;
import org.apache.hadoop.hive.metastore.IHMSHandler;
import org.apache.hadoop.hive.metastore.RetryingHMSHandler;
import org.apache.hadoop.hive.metastore.TSetIpAddressProcessor;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TTransportFactory;
import org.datanucleus.api.jdo.JDOPersistenceManagerFactory;
import org.datanucleus.store.schema.SchemaAwareStoreManager;

/**
 * Serves the Hive metastore on one address.
 *
 * <p>Hive's own main class binds every interface, and when it makes its tables on demand, it waits for itself on
 * PostgreSQL: so the tables are made before it serves.
 *
 * <p>Arguments: host, port, JDBC URL, database user, default file system, warehouse folder. The password is read from
 * SKYTIER_POSTGRES_PASSWORD.
 */
public final class MetastoreServer {

    public static void main(String[] args) throws Exception {
        HiveConf conf = configuration(args);
        createSchema(conf);
        serve(conf, new InetSocketAddress(args[0], Integer.parseInt(args[1])));
    }

    private static HiveConf configuration(String[] args) {
        HiveConf conf = new HiveConf();
        conf.set("javax.jdo.option.ConnectionURL", args[2]);
        conf.set("javax.jdo.option.ConnectionDriverName", "org.postgresql.Driver");
        conf.set("javax.jdo.option.ConnectionUserName", args[3]);
        conf.set("javax.jdo.option.ConnectionPassword", System.getenv("SKYTIER_POSTGRES_PASSWORD"));
        conf.set("fs.defaultFS", args[4]);
        conf.set("hive.metastore.warehouse.dir", args[5]);
        conf.set("hive.async.log.enabled", "false");
        conf.set("hive.metastore.schema.verification", "false");
        conf.set("datanucleus.schema.autoCreateAll", "false");
        conf.set("datanucleus.connectionPoolingType", "HikariCP");
        conf.set("datanucleus.connectionPool.maxPoolSize", "6");
        // By default a call waits 30 s for a connection, and is tried ten times: over five minutes in which a job hangs
        // whose database is down. The database answers at once, or is restarted by somebody who has to be told.
        conf.set("datanucleus.connectionPool.connectionWaitTimeout", "3000");
        conf.set("hive.hmshandler.retry.attempts", "2");
        conf.set("hive.hmshandler.retry.interval", "500ms");
        return conf;
    }

    private static void createSchema(HiveConf conf) throws Exception {
        Properties properties = new Properties();
        for (Map.Entry<String, String> entry : conf) {
            if (entry.getKey().startsWith("datanucleus.") || entry.getKey().startsWith("javax.jdo.")) {
                properties.setProperty(entry.getKey(), conf.get(entry.getKey()));
            }
        }
        properties.setProperty("datanucleus.schema.autoCreateAll", "true");
        properties.setProperty("datanucleus.connectionPoolingType", "None");
        JDOPersistenceManagerFactory factory =
                (JDOPersistenceManagerFactory) JDOHelper.getPersistenceManagerFactory(properties);
        try {
            SchemaAwareStoreManager store =
                    (SchemaAwareStoreManager) factory.getNucleusContext().getStoreManager();
            store.createSchemaForClasses(persistentClasses(), new Properties());
        } finally {
            factory.close();
        }
    }

    private static Set<String> persistentClasses() throws Exception {
        try (InputStream mapping = MetastoreServer.class.getResourceAsStream("/package.jdo")) {
            String text = new String(mapping.readAllBytes(), StandardCharsets.UTF_8);
            Set<String> names = new LinkedHashSet<>();
            Matcher matcher = Pattern.compile("<class name=\"(\\w+)\"").matcher(text);
            while (matcher.find()) {
                names.add("org.apache.hadoop.hive.metastore.model." + matcher.group(1));
            }
            return names;
        }
    }

    private static void serve(HiveConf conf, InetSocketAddress address) throws Exception {
        IHMSHandler handler = new HiveMetaStore.HMSHandler("metastore", conf, false);
        IHMSHandler retrying = RetryingHMSHandler.getProxy(conf, handler, true);
        new TThreadPoolServer(
                        new TThreadPoolServer.Args(new TServerSocket(address))
                                .processor(new TSetIpAddressProcessor<>(retrying))
                                .transportFactory(new TTransportFactory())
                                .protocolFactory(new TBinaryProtocol.Factory())
                                .minWorkerThreads(4)
                                .maxWorkerThreads(200))
                .serve();
    }

    private MetastoreServer() {}
}
